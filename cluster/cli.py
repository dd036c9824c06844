"""The command line ``kaifan``."""

from __future__ import annotations

# The first of all, so that Ctrl-C is quiet while the others are imported.
from cluster import interrupts

# isort: split
import asyncio
import os
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.live import Live
from rich.table import Table

from cluster.embedded.failure import EmbeddedFailure
from cluster.settings import Settings, as_failure

if TYPE_CHECKING:
    from cluster.profiling import Profile

app = typer.Typer(
    help="Kaifan: order processing for restaurants at peak.", no_args_is_help=True, add_completion=False
)
PIPE_WIDTH = 140
console = Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else PIPE_WIDTH)
errors = Console(stderr=True, highlight=False, soft_wrap=True)

DataDir = Annotated[Path | None, typer.Option("--data-dir", help="Data folder [./data or KAIFAN_DATA_DIR].")]
EntityKey = Annotated[
    str, typer.Argument(metavar="KIND/ID", help="For example flash-sale/fgmu4qdyphbd7c43f.")
]

STATUS_COLUMNS = {
    "silo": "silo",
    "pid": "pid",
    "state": "state",
    "shards": "shards",
    "entities": "entities",
    "mailbox_depth": "waiting",
    "commands": "commands",
    "commit_ms": "commit ms",
    "lanes": "lanes",
    "seat": "seat",
    "following": "follows",
}


def given(**options: Any) -> Settings:
    """The settings, with what was given on the command line on top. Raises EmbeddedFailure."""
    try:
        return Settings(**{name: value for name, value in options.items() if value is not None})
    except ValidationError as error:
        raise as_failure(error) from None


@app.command()
def serve(
    silos: Annotated[int | None, typer.Option(help="Silo processes [cores less one, at least 1].")] = None,
    spares: Annotated[int | None, typer.Option(help="Processes that stand in for a dead silo [0].")] = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on [127.0.0.1].")] = None,
    port: Annotated[int | None, typer.Option(help="Port [8000].")] = None,
    data_dir: DataDir = None,
    demo: Annotated[bool, typer.Option("--demo", help="With a demo restaurant and a flash sale.")] = False,
) -> None:
    """Run the whole system in the foreground with embedded services; Ctrl-C ends all that it started."""
    settings = given(silos=silos, spares=spares, host=host, port=port, data_dir=data_dir)
    # Until the launcher heeds signals itself, after a second of imports.
    signal.signal(signal.SIGINT, interrupts.end_quietly)
    # Before anything imports Ray, which reads its environment once.
    from cluster.ray_runtime import close_ray_to_others

    close_ray_to_others()
    from cluster.serve import serve as run_system

    asyncio.run(run_system(settings, demo))


@app.command()
def scale(silos: Annotated[int, typer.Argument(min=1, max=64)], data_dir: DataDir = None) -> None:
    """Grow or shrink the running system to this many silos; no claim is lost or doubled."""
    answer = ask({"do": "scale", "silos": silos}, data_dir)
    console.print(f"{answer['before']} → {answer['silos']} silos")


def ask(request: dict[str, Any], data_dir: Path | None) -> dict[str, Any]:
    """Ask the running launcher of this data folder. Raises EmbeddedFailure."""
    from cluster.control import NotRunning, control_path
    from cluster.control import ask as ask_launcher

    folder = given(data_dir=data_dir).data_dir
    try:
        answer = asyncio.run(ask_launcher(control_path(folder), request))
    except NotRunning:
        raise EmbeddedFailure(
            f"No Kaifan runs on {folder.resolve()}.", "Start it with `make run`, or give its --data-dir."
        ) from None
    except TimeoutError:
        raise EmbeddedFailure(
            "The launcher did not answer in time.", "`kaifan doctor` looks closer."
        ) from None
    if "error" in answer:
        raise EmbeddedFailure(str(answer["error"]), "See launcher.log in the data folder's logs/.")
    return answer


@app.command()
def status(
    data_dir: DataDir = None,
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Again each second, until Ctrl-C.")] = False,
) -> None:
    """A table of the silos: shards, entities, queues, commit times."""
    if not watch:
        console.print(status_table(ask({"do": "status"}, data_dir)), soft_wrap=False)
        return
    with Live(console=console, auto_refresh=False) as live:
        while True:
            live.update(status_table(ask({"do": "status"}, data_dir)), refresh=True)
            time.sleep(1)


def status_table(answer: dict[str, Any]) -> Table:
    """The launcher's answer as a table."""
    quarantined = sorted({entity for silo in answer["silos"] for entity in silo.get("quarantined", [])})
    table = Table(
        title=f"{answer['base_url']} · up {answer['up_s']} s · silos that came back: {answer['restarts']}",
        caption=f"in quarantine: {', '.join(quarantined)}" if quarantined else None,
        box=None,
        padding=(0, 1),
    )
    for heading in STATUS_COLUMNS.values():
        table.add_column(heading, justify="left" if heading == "silo" else "right")
    for silo in answer["silos"]:
        row = dict(silo)
        if not silo["serving"] and silo["state"] == "alive":
            row["state"] = "suspended"
        elif silo.get("spare"):
            row["state"] = "spare"
        row["following"] = ", ".join(f"{key}@{seq}" for key, seq in silo.get("follows", {}).items())
        table.add_row(*(str(row.get(column, "")) for column in STATUS_COLUMNS))
    return table


@app.command()
def demo(data_dir: DataDir = None) -> None:
    """The demo restaurant again: makes it if it is not there, and a fresh flash sale if the last one is over."""
    from cluster.demo import welcome

    typer.echo(welcome(ask({"do": "demo"}, data_dir)))


@app.command()
def doctor(
    data_dir: DataDir = None,
    port: Annotated[int | None, typer.Option(help="The port that is to be free [8000].")] = None,
) -> None:
    """What is wrong and how to mend it; exit code 1 if something must be mended."""
    from cluster.doctor import BAD, GOOD, POOR, examine

    marks = {GOOD: "[green]✓[/]", POOR: "[yellow]![/]", BAD: "[bold red]✗[/]"}

    async def look() -> int:
        bad = 0
        async for finding in examine(given(data_dir=data_dir, port=port)):
            console.print(f"{marks[finding.state]} {finding.what}")
            if finding.state != GOOD:
                console.print(f"    → {finding.how}")
            bad += finding.state == BAD
        return bad

    if asyncio.run(look()):
        raise typer.Exit(1)


@app.command()
def profile(
    silo: Annotated[str, typer.Argument(help="For example silo-0; `kaifan status` lists them.")],
    seconds: Annotated[int, typer.Option(min=1, max=600, help="Length of each of two recordings.")] = 10,
    out: Annotated[
        Path | None, typer.Option(help="The picture [profiles/SILO.svg in the data folder].")
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """Where a silo's time goes: a flame graph (SVG), and µs per request for each part of its road."""
    from cluster.profiling import record

    living = {str(row["silo"]).partition("#")[0]: row for row in ask({"do": "status"}, data_dir)["silos"]}
    row = living.get(silo.partition("#")[0], {})
    if "pid" not in row:
        raise EmbeddedFailure(f"There is no silo {silo} now.", f"There are: {', '.join(sorted(living))}.")
    picture = out or given(data_dir=data_dir).data_dir / "profiles" / f"{silo.partition('#')[0]}.svg"
    picture.parent.mkdir(parents=True, exist_ok=True)
    console.print(cost_table(asyncio.run(record(int(row["pid"]), int(row["port"]), seconds, picture))))
    console.print(f"flame graph: {picture}")


def cost_table(profile: Profile) -> Table:
    """A recording as a table; without requests there are shares and no costs."""
    from cluster.profiling import MEANING

    busy = f"{profile.cpu_s / profile.seconds:.0%} of a core, {profile.samples:,} samples"
    table = Table(
        title=f"{profile.requests:,} requests in {profile.seconds:g} s · {busy}",
        caption=None if profile.requests else "no request came in meanwhile: costs need load",
        box=None,
        padding=(0, 1),
    )
    for heading, justify in (
        ("part", "left"),
        ("share", "right"),
        ("µs per request", "right"),
        ("what", "left"),
    ):
        table.add_column(heading, justify=justify)  # type: ignore[arg-type]
    for cost in profile.costs:
        us = f"{cost.us:.1f}" if profile.requests else "–"
        table.add_row(cost.part, f"{cost.share:.1%}", us, MEANING[cost.part])
    if profile.requests:
        table.add_row("all", "100.0%", f"{profile.us_per_request:.1f}", "processor time of the process")
    return table


@app.command()
def settings(data_dir: DataDir = None) -> None:
    """Every setting: its name, its value, what it does and what breaks."""
    values = given(data_dir=data_dir)
    for name, field in Settings.model_fields.items():
        value = getattr(values, name)
        shown = (
            "(set)" if name in SECRET_SETTINGS and value else repr(str(value)) if value == "" else str(value)
        )
        console.print(f"[bold]KAIFAN_{name.upper()}[/] = {shown}", markup=True)
        console.print(f"    {field.description}")


SECRET_SETTINGS = ("secret_key", "mongo_uri", "redis_uri", "amqp_uri")
"""Not shown: a key, and addresses that may hold a password."""


# --- the journal ---------------------------------------------------------------------------------------------


@app.command()
def entity(
    key: EntityKey,
    what: Annotated[str, typer.Argument(metavar="resume|skip|end")],
    data_dir: DataDir = None,
) -> None:
    """Decide on an entity in quarantine: try again, leave the event out for good, or end it."""
    from cluster.quarantine import decide

    console.print(asyncio.run(decide(given(data_dir=data_dir), key, what)))


@app.command()
def replay(
    key: EntityKey,
    at: Annotated[str | None, typer.Option(metavar="TIME|SEQ", help="Stop there.")] = None,
    data_dir: DataDir = None,
) -> None:
    """What happened to an entity, event by event, and how it stands; from the journal alone."""
    from cluster.records import open_records
    from cluster.replay import point, type_of
    from cluster.replay import replay as lines_of

    async def tell() -> None:
        until = point(at)
        type_of(key)
        async with open_records(given(data_dir=data_dir)) as records:
            stopped = {row.entity: row for row in await records.quarantine.all()}
            async for line in lines_of(key, records.journal.read(key), until, stopped.get(key)):
                typer.echo(line)

    try:
        asyncio.run(tell())
    except BrokenPipeError:
        # Its reader, as `head`, has enough; nor may the last flush meet the closed pipe.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@app.command()
def audit(
    since: Annotated[
        str | None, typer.Option(metavar="TIME", help="Only what changed since, and whom it names.")
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """Re-read the journal and check every invariant; exit code 1 and the first violating event."""
    from cluster.audit import Report
    from cluster.audit import audit as check
    from cluster.records import open_records
    from cluster.replay import time_of

    async def look() -> Report:
        after = time_of(since) if since else None
        async with open_records(given(data_dir=data_dir)) as records:
            stopped = {row.entity: row for row in await records.quarantine.all()}
            now = await records.now()
            documents = records.documents(now, after)
            partners = (lambda named: records.documents_of(named, now)) if after is not None else None
            return await check(documents, records.journal.read, stopped, partners, _progress)

    report = asyncio.run(look())
    for key in report.skipped:
        console.print(f"[yellow]![/] {key} was ended by an operator and is left out")
    for violation in report.violations:
        console.print(f"[bold red]✗[/] {violation}")
    typer.echo(report.summary())
    if report.violations:
        raise typer.Exit(1)


def _progress(report: Any) -> None:
    if sys.stderr.isatty():
        errors.print(f"  {report.summary()}", end="\r")


def main() -> None:
    """Entry point of the script ``kaifan``."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        app(standalone_mode=True)
    except EmbeddedFailure as failure:
        errors.print(f"[bold red]✗[/] {failure.what}")
        errors.print(f"  → {failure.how}")
        sys.exit(1)
