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

from loadtests import generator
from loadtests.cases import CASES, UNLIMITED, Case, RoundResult, run_round
from loadtests.processes import DidNotStart
from loadtests.subjects import SaleRefused, Subject, all_subjects
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


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """How much to run."""

    cases: list[Case]
    connections: list[int]
    rounds: int
    seconds: float


def main(arguments: Sequence[str] | None = None) -> int:
    """The command. 0 when every subject started and ran; 1 otherwise, and when Kaifan's own audit fails."""
    options = _options(arguments)
    plan = Plan(
        cases=[CASES[name] for name in options.case],
        connections=options.connections or ([64] if options.quick else [64, 256]),
        rounds=options.rounds or (3 if options.quick else 5),
        seconds=options.seconds or (1.5 if options.quick else 4.0),
    )
    wanted = [
        s for s in all_subjects() if not options.subject or any(s.name.startswith(w) for w in options.subject)
    ]
    if not wanted:
        print(
            "no such subject; there are:",
            ", ".join(subject.name for subject in all_subjects()),
            file=sys.stderr,
        )
        return 2
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        rows, failures = runner.run(_bench(plan, wanted))
    out = options.out or RESULTS / ("quick.json" if options.quick else "bench.json")
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_bytes(msgspec.json.format(msgspec.json.encode(rows), indent=1) + b"\n")
    print(table(rows))
    for failure in failures:
        print(f"\nleft out: {failure}")
    print(f"\nwritten: {out}")
    kaifan_wrong = any(row.subject.startswith("kaifan") and not row.correct for row in rows)
    return 1 if failures or kaifan_wrong or not rows else 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    def numbers(text: str) -> list[int]:
        return [int(number) for number in text.split(",")]

    parser = argparse.ArgumentParser(prog="python -m loadtests.bench", description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="64 connections, 3 rounds of 1.5 s (else 64,256; 5 of 4 s)"
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
    options = parser.parse_args(arguments)
    options.case = options.case or sorted(CASES)
    return options


async def _bench(plan: Plan, subjects: Sequence[Subject]) -> tuple[list[Row], list[str]]:
    """Start all, run all cases, stop all; also when it is interrupted."""
    task = asyncio.current_task()
    assert task is not None
    # SIGINT too: a shell without job control starts its background jobs with it ignored.
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    folder = Path(tempfile.mkdtemp(prefix="kbench-"))
    failures: list[str] = []
    running: list[Subject] = []
    rows: list[Row] = []
    try:
        for number, subject in enumerate(subjects):
            (folder / str(number)).mkdir()
            if failure := await _start(subject, folder / str(number)):
                failures.append(failure)
            else:
                running.append(subject)
        for case in plan.cases:
            # Past the stock the storm is the point, so only the largest number of connections is run.
            for connections in plan.connections if case.stock == UNLIMITED else [max(plan.connections)]:
                rows += await _case(case, connections, plan, running, failures)
    finally:
        for subject in subjects:
            await asyncio.shield(subject.stop())
        shutil.rmtree(folder, ignore_errors=True)
    return rows, failures


async def _start(subject: Subject, folder: Path) -> str:
    """Start a subject; why it could not, or ''."""
    print(f"starting {subject.name} …", flush=True)
    try:
        await subject.start(folder)
    except (DidNotStart, SaleRefused, ConnectionBroken, OSError, KeyError, StopIteration) as failure:
        await subject.stop()
        return f"{subject.name}: {failure!r}" if not isinstance(failure, DidNotStart) else str(failure)
    return ""


async def _case(
    case: Case, connections: int, plan: Plan, running: list[Subject], failures: list[str]
) -> list[Row]:
    """All rounds of one case. A subject that cannot finish a round is left out from there on, with a word."""
    print(f"\n{case.name}, {connections} connections: {case.about}", flush=True)
    results: dict[str, list[RoundResult]] = {subject.name: [] for subject in running}
    for number in range(plan.rounds + 1):  # the first is the warm-up
        for subject in list(running):
            seconds = plan.seconds if number else WARM_UP_SECONDS
            try:
                result = await run_round(subject, case, connections=connections, seconds=seconds)
            except (SaleRefused, ConnectionBroken, OSError) as failure:
                failures.append(f"{subject.name}, {case.name}, {connections} connections: {failure}")
                running.remove(subject)
                results.pop(subject.name)
                continue
            if number:
                results[subject.name].append(result)
                print(
                    f"  {number}: {subject.name:<28} {result.rate:>9,.0f}/s  audit {_said(result)}",
                    flush=True,
                )
    return [_row(subject, case, connections, results) for subject in running if results.get(subject.name)]


def _said(result: RoundResult) -> str:
    verdict = result.verdict
    return (
        verdict.answer if verdict.answer == "yes" else f"{verdict.answer}: {verdict.rule} {verdict.because}"
    )


def _row(subject: Subject, case: Case, connections: int, results: dict[str, list[RoundResult]]) -> Row:
    mine = results[subject.name]
    rates = [result.rate for result in mine]
    kaifan = results.get("kaifan", [])
    ratios = [ours.rate / theirs.rate for ours, theirs in zip(mine, kaifan, strict=False) if theirs.rate]
    latencies = sorted(latency for result in mine for latency in result.latencies_ns)
    worst = next((result for result in mine if result.verdict.answer != "yes"), mine[-1])
    return Row(
        case=case.name,
        subject=subject.name,
        durability=subject.durability,
        rounds=len(mine),
        rate_median=round(median(rates), 1),
        rate_min=round(min(rates), 1),
        rate_max=round(max(rates), 1),
        p50_ms=generator.percentile_ms(latencies, 50),
        p99_ms=generator.percentile_ms(latencies, 99),
        errors=sum(result.errors for result in mine),
        correct=all(result.verdict.answer == "yes" for result in mine),
        connections=connections,
        acknowledged=sum(result.acknowledged for result in mine),
        ratio_to_kaifan=round(median(ratios), 3) if ratios else None,
        ratio_min=round(min(ratios), 3) if ratios else None,
        ratio_max=round(max(ratios), 3) if ratios else None,
        audit=_said(worst),
        generator=generator.NAME,
        machine=machine(),
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
            f"{'subject':<28}{'durability':<16}{'per second':>11}{'min–max':>17}"
            f"{'× kaifan':>10}{'min–max':>14}{'p50 ms':>9}{'p99 ms':>9}{'errors':>8}  correct"
        ]
        lines += [_line(row) for row in block]
        lines += _share_of_noop(block)
    return "\n".join(lines)


def _line(row: Row) -> str:
    ratio = "–" if row.ratio_to_kaifan is None else f"{row.ratio_to_kaifan:.2f}"
    spread = "–" if row.ratio_to_kaifan is None else f"{row.ratio_min:.2f}–{row.ratio_max:.2f}"
    return (
        f"{row.subject:<28}{row.durability:<16}{row.rate_median:>11,.0f}{f'{row.rate_min:,.0f}–{row.rate_max:,.0f}':>17}"
        f"{ratio:>10}{spread:>14}{row.p50_ms:>9.2f}{row.p99_ms:>9.2f}{row.errors:>8}"
        f"  {'yes' if row.correct else 'NO'}"
    )


def _share_of_noop(block: Sequence[Row]) -> list[str]:
    noop = next((row for row in block if row.subject == "no-op fastapi"), None)
    if noop is None or not noop.ratio_to_kaifan:
        return []
    return [f"kaifan reaches {100 / noop.ratio_to_kaifan:.0f} % of the no-op server on the same stack"]


if __name__ == "__main__":
    sys.exit(main())
