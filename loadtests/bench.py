"""The benchmark: every subject, interleaved, audited. ``python -m loadtests.bench --help``.

Rounds go A B C A B C …, so that whatever else the machine does falls on everybody. A ratio compares two
subjects within the same turn of rounds; its spread is the spread of those ratios.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import shutil
import signal
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import median

import msgspec
import uvloop

from loadtests import wrk
from loadtests.cases import CASES, Case, RoundResult, run_round, warm_up
from loadtests.entrants import THROUGH, all_subjects
from loadtests.equipment import Missing
from loadtests.processes import DidNotStart
from loadtests.subjects import SaleRefused, Subject
from loadtests.wire import ConnectionBroken

RESULTS = Path(__file__).with_name("results")
WARM_UP_SECONDS = 1.0


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the result file. Rates are answers per second; ``correct`` is the audit of every round."""

    case: str
    subject: str
    durability: str
    rounds: int
    rate_median: float
    rate_min: float
    rate_max: float
    p50_ms: float
    p99_ms: float
    errors: int
    correct: bool
    connections: int
    acknowledged: int
    ratio_to_kaifan: float | None
    ratio_min: float | None
    ratio_max: float | None
    audit: str
    generator: str
    machine: str
    ratio_to: str = "kaifan"
    """The subject that the ratio is to; its name stays ``ratio_to_kaifan`` for those who read the file."""
    offered: float | None = None
    """Claims per second that became due, where the load set the rate."""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """How much to run."""

    cases: dict[str, Case]
    connections: list[int]
    rounds: int
    seconds: float
    use_wrk: bool


def main(arguments: Sequence[str] | None = None) -> int:
    """The command. 0 when every subject started and ran; 1 otherwise, and when Kaifan's own audit fails."""
    options = _options(arguments)
    plan = Plan(
        cases={name: CASES[name] for name in options.case},
        connections=options.connections or ([64] if options.quick else [64, 256]),
        rounds=options.rounds or (2 if options.quick else 3),
        seconds=options.seconds or (1.0 if options.quick else 3.0),
        use_wrk=not options.own_load and bool(wrk.name()),
    )
    wanted = [subject for subject in all_subjects() if _takes_part(subject, options)]
    if not wanted:
        print(
            "no such subject; there are:",
            ", ".join(subject.name for subject in all_subjects()),
            file=sys.stderr,
        )
        return 2
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        rows, failures, missing = runner.run(_bench(plan, wanted))
    out = options.out or RESULTS / ("quick.json" if options.quick else "bench.json")
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_bytes(msgspec.json.format(msgspec.json.encode(rows), indent=1) + b"\n")
    print(table(rows))
    for why in [*missing, *failures]:
        print(f"\nleft out: {why}")
    print(f"\nwritten: {out}")
    kaifan_wrong = any(row.subject.startswith("kaifan") and not row.correct for row in rows)
    return 1 if failures or kaifan_wrong or not rows else 0


def _takes_part(subject: Subject, options: argparse.Namespace) -> bool:
    named = not options.subject or any(subject.name.startswith(word) for word in options.subject)
    return named and not subject.cases.isdisjoint(options.case)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    def numbers(text: str) -> list[int]:
        return [int(number) for number in text.split(",")]

    parser = argparse.ArgumentParser(prog="python -m loadtests.bench", description=__doc__)
    parser.add_argument(
        "--quick",
        action="store_true",
        help="64 connections, 2 rounds of 1 s, one silo (else 64,256; 3 of 3 s)",
    )
    parser.add_argument(
        "--case", action="append", choices=sorted(CASES), help="only this case; may be repeated"
    )
    parser.add_argument(
        "--subject", action="append", help="only subjects whose name begins so; may be repeated"
    )
    parser.add_argument("--connections", type=numbers, help="for example 64,256")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--seconds", type=float, help="length of a round")
    parser.add_argument(
        "--out", type=Path, help="the result file (loadtests/results/bench.json or quick.json)"
    )
    parser.add_argument("--own-load", action="store_true", help="our own generator, also where wrk is there")
    options = parser.parse_args(arguments)
    # Two systems of two silos take as long to start as the rest of a short bench.
    options.case = options.case or [name for name in CASES if not (options.quick and name == THROUGH)]
    return options


async def _bench(plan: Plan, subjects: Sequence[Subject]) -> tuple[list[Row], list[str], list[str]]:
    """Run all cases, each with its own subjects up; stop all, also when it is interrupted.

    Returns:
        The rows; why subjects failed; why subjects were left out, because their software is not here.
    """
    task = asyncio.current_task()
    assert task is not None
    # SIGINT too: a shell without job control starts its background jobs with it ignored.
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    folder = Path(tempfile.mkdtemp(prefix="kbench-"))
    field = Field(subjects, folder)
    rows: list[Row] = []
    try:
        for number, (name, case) in enumerate(plan.cases.items()):
            # Whoever is idle still costs something, so only those of this case and of later ones are up.
            await field.up(name, set(list(plan.cases)[number:]))
            # Where the storm is the point only the largest number of connections is run.
            for connections in [max(plan.connections)] if case.most_only else plan.connections:
                rows += await _case(name, case, connections, plan, field)
    finally:
        await asyncio.shield(field.stop())
        shutil.rmtree(folder, ignore_errors=True)
    return rows, field.failures, field.missing


class Field:
    """The subjects, those that are up, and why others are not."""

    def __init__(self, subjects: Sequence[Subject], folder: Path) -> None:
        self._subjects, self._folder = list(subjects), folder
        self._up: list[Subject] = []
        self._gone: list[Subject] = []
        self.failures: list[str] = []
        self.missing: list[str] = []

    async def up(self, case: str, still_needed: set[str]) -> None:
        """Start who takes part in ``case`` and is not up; stop who is up and takes part no more."""
        for subject in list(self._up):
            if subject.cases.isdisjoint(still_needed):
                self._up.remove(subject)
                self._gone.append(subject)
                await subject.stop()
        for number, subject in enumerate(self._subjects):
            if case in subject.cases and subject not in self._up and subject not in self._gone:
                (self._folder / str(number)).mkdir()
                await self._start(subject, self._folder / str(number))

    def of(self, case: str) -> list[Subject]:
        """Who takes part in a case and is up, in the order of the list."""
        return [s for s in self._subjects if case in s.cases and s in self._up]

    def leave_out(self, subject: Subject, why: str) -> None:
        """A subject that failed takes part no more; it is stopped at the end."""
        self.failures.append(why)
        self._up.remove(subject)
        self._gone.append(subject)

    async def _start(self, subject: Subject, folder: Path) -> None:
        print(f"starting {subject.name} …", flush=True)
        try:
            await subject.start(folder)
        except Missing as missing:
            self.missing.append(f"{subject.name}: {missing}")
        except DidNotStart as failure:
            self.failures.append(f"{subject.name}: {failure}")
        except (SaleRefused, ConnectionBroken, OSError, KeyError, StopIteration) as failure:
            self.failures.append(f"{subject.name}: {failure!r}")
        else:
            self._up.append(subject)
            return
        self._gone.append(subject)
        await subject.stop()

    async def stop(self) -> None:
        """Stop all, also those that were left out."""
        for subject in reversed(self._subjects):
            await subject.stop()


async def _case(name: str, case: Case, connections: int, plan: Plan, field: Field) -> list[Row]:
    """All rounds of one case. A subject that cannot finish a round is left out from there on, with a word."""
    print(f"\n{case.name}, {connections} connections: {case.about}", flush=True)
    results: dict[str, list[RoundResult]] = {subject.name: [] for subject in field.of(name)}
    for number in range(plan.rounds + 1):  # the first is the warm-up, whose every answer is audited
        for subject in field.of(name):
            before = results[subject.name]
            try:
                if number:
                    result = await run_round(
                        subject,
                        case,
                        connections=connections,
                        seconds=plan.seconds,
                        maximum=before[0].rate,
                        use_wrk=plan.use_wrk,
                    )
                else:
                    result = await warm_up(subject, case, connections=connections, seconds=WARM_UP_SECONDS)
            except (SaleRefused, ConnectionBroken, OSError) as failure:
                field.leave_out(subject, f"{subject.name}, {case.name}, {connections} connections: {failure}")
                continue
            before.append(result)
            label = str(number) if number else "warm-up"
            print(
                f"  {label:>7}: {subject.name:<32} {result.rate:>9,.0f}/s  audit {_said(result)}", flush=True
            )
    return [_row(subject, case, connections, results) for subject in field.of(name)]


def _said(result: RoundResult) -> str:
    verdict = result.verdict
    return (
        verdict.answer if verdict.answer == "yes" else f"{verdict.answer}: {verdict.rule} {verdict.because}"
    )


def _row(subject: Subject, case: Case, connections: int, results: dict[str, list[RoundResult]]) -> Row:
    audited = results[subject.name]
    mine = audited[1:]  # the warm-up counts for the audit only
    rates = [result.rate for result in mine]
    others = [] if case.steady else results.get(subject.measured_against, [])[1:]
    ratios = [ours.rate / theirs.rate for ours, theirs in zip(mine, others, strict=False) if theirs.rate]
    worst = next((result for result in audited if result.verdict.answer != "yes"), mine[-1])
    return Row(
        case=case.name,
        subject=subject.name,
        durability=subject.durability,
        rounds=len(mine),
        rate_median=round(median(rates), 1),
        rate_min=round(min(rates), 1),
        rate_max=round(max(rates), 1),
        p50_ms=round(median(result.p50_ms for result in mine), 3),
        p99_ms=round(median(result.p99_ms for result in mine), 3),
        errors=sum(result.errors for result in mine),
        correct=all(result.verdict.answer == "yes" for result in audited),
        connections=connections,
        acknowledged=sum(result.acknowledged for result in mine),
        ratio_to_kaifan=round(median(ratios), 3) if ratios else None,
        ratio_min=round(min(ratios), 3) if ratios else None,
        ratio_max=round(max(ratios), 3) if ratios else None,
        audit=_said(worst),
        generator=mine[-1].generator,
        machine=machine(),
        ratio_to=subject.measured_against,
        offered=None if mine[-1].offered is None else round(mine[-1].offered, 1),
    )


def machine() -> str:
    """The machine in one line: cores, processor, kernel, Python."""
    model = next(
        (line.partition(":")[2].strip() for line in _cpu_lines() if line.startswith("model name")),
        platform.machine(),
    )
    return f"{os.cpu_count()} cores, {model}, Linux {platform.release()}, Python {platform.python_version()}"


def _cpu_lines() -> list[str]:
    path = Path("/proc/cpuinfo")
    return path.read_text().splitlines() if path.exists() else []


def table(rows: Sequence[Row]) -> str:
    """The rows as text, one block per case and number of connections."""
    lines: list[str] = []
    for case, connections in dict.fromkeys((row.case, row.connections) for row in rows):
        block = [row for row in rows if (row.case, row.connections) == (case, connections)]
        lines += ["", f"{case}, {connections} connections, {block[0].rounds} rounds"]
        lines += [
            f"{'subject':<34}{'durability':<16}{'per second':>11}{'min–max':>17}"
            f"{'ratio':>10}{'min–max':>14}{'p50 ms':>9}{'p99 ms':>9}{'errors':>8}  correct"
        ]
        lines += [_line(row) for row in block]
        lines += _share_of_noop(block)
    return "\n".join(lines)


def _line(row: Row) -> str:
    ratio = "–" if row.ratio_to_kaifan is None else f"{row.ratio_to_kaifan:.2f}"
    spread = "–" if row.ratio_to_kaifan is None else f"{row.ratio_min:.2f}–{row.ratio_max:.2f}"
    return (
        f"{row.subject:<34}{row.durability:<16}{row.rate_median:>11,.0f}{f'{row.rate_min:,.0f}–{row.rate_max:,.0f}':>17}"
        f"{ratio:>10}{spread:>14}{row.p50_ms:>9.2f}{row.p99_ms:>9.2f}{row.errors:>8}"
        f"  {'yes' if row.correct else 'NO'}"
    )


def _share_of_noop(block: Sequence[Row]) -> list[str]:
    return [
        f"kaifan reaches {100 / row.ratio_to_kaifan:.0f} % of {row.subject}"
        for row in block
        if row.subject.startswith(("no-op", "empty")) and row.ratio_to_kaifan
    ]


if __name__ == "__main__":
    sys.exit(main())
