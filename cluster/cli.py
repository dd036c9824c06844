"""The command line ``kaifan``."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from cluster.embedded.failure import EmbeddedFailure
from cluster.settings import Settings

app = typer.Typer(
    help="Kaifan: order processing for restaurants at peak.", no_args_is_help=True, add_completion=False
)
console = Console()
errors = Console(stderr=True)

DataDir = Annotated[Path | None, typer.Option("--data-dir", help="Data folder [./data or KAIFAN_DATA_DIR].")]


def given(**options: Any) -> Settings:
    """The settings, with what was given on the command line on top."""
    return Settings(**{name: value for name, value in options.items() if value is not None})


def fail(failure: EmbeddedFailure) -> None:
    """Say what happened and the way out; exit code 1."""
    errors.print(f"[bold red]✗[/] {failure.what}", highlight=False)
    errors.print(f"  → {failure.how}", highlight=False)
    raise typer.Exit(1)


@app.command()
def serve(
    silos: Annotated[int | None, typer.Option(help="Silo processes [cores less one, at least 1].")] = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on [127.0.0.1].")] = None,
    port: Annotated[int | None, typer.Option(help="Port [8000].")] = None,
    data_dir: DataDir = None,
    demo: Annotated[bool, typer.Option("--demo", help="With a demo restaurant and a flash sale.")] = False,
) -> None:
    """Run the whole system in the foreground with embedded services; Ctrl-C ends all that it started."""
    from cluster.ray_runtime import close_ray_to_others

    close_ray_to_others()
    from cluster.serve import serve as run

    try:
        asyncio.run(run(given(silos=silos, host=host, port=port, data_dir=data_dir), demo))
    except EmbeddedFailure as failure:
        fail(failure)


@app.command()
def scale(silos: Annotated[int, typer.Argument(min=1, max=64)], data_dir: DataDir = None) -> None:
    """Grow or shrink the running system to this many silos; no claim is lost or doubled."""
    answer = ask({"do": "scale", "silos": silos}, data_dir)
    console.print(f"{answer['before']} → {answer['silos']} silos")


def ask(request: dict[str, Any], data_dir: Path | None) -> dict[str, Any]:
    """Ask the running launcher of this data folder."""
    from cluster.control import NotRunning
    from cluster.control import ask as ask_launcher
    from cluster.launcher import control_path

    folder = given(data_dir=data_dir).data_dir
    try:
        answer = asyncio.run(ask_launcher(control_path(folder), request))
    except NotRunning:
        fail(EmbeddedFailure(f"No Kaifan runs on {folder.resolve()}.", "Start it with `make run`."))
    if "error" in answer:
        fail(EmbeddedFailure(str(answer["error"]), "See the launcher's log in the data folder's logs/."))
    return answer


@app.command()
def status(data_dir: DataDir = None) -> None:
    """A table of the silos: shards, entities, queues, commit times."""
    answer = ask({"do": "status"}, data_dir)
    table = Table(title=f"{answer['base_url']} · up {answer['up_s']} s · restarts {answer['restarts']}")
    columns = ("silo", "pid", "port", "state", "serving", "shards", "entities", "mailbox_depth", "lane_depth")
    columns += ("commands", "commands_per_commit", "commit_ms", "quarantined")
    for column in columns:
        table.add_column(column.replace("_", " "))
    for silo in answer["silos"]:
        table.add_row(*(str(silo.get(column, "")) for column in columns))
    console.print(table)


@app.command()
def settings() -> None:
    """Every setting: its name, its value, what it does."""
    table = Table("setting", "value", "what")
    values = Settings()
    for name, field in Settings.model_fields.items():
        value = getattr(values, name)
        shown = "(set)" if name == "secret_key" and value else str(value)
        table.add_row(f"KAIFAN_{name.upper()}", shown, field.description or "")
    console.print(table)


def main() -> None:
    """Entry point of the script ``kaifan``."""
    app()
