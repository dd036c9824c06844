"""``python -m tests.simulation --seeds N --first-seed K``: the long run. Exit code 1 if any seed is violated."""

from __future__ import annotations

import argparse
import sys
import time

from tests.simulation.campaign import campaign, describe

SHOWN_MAX = 5
SAY_EVERY_S = 30.0


def main() -> int:
    parser = argparse.ArgumentParser(prog="make simulate", description=__doc__)
    parser.add_argument("--seeds", type=int, default=10_000)
    parser.add_argument("--first-seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=0, help="processes; 0: one per core")
    parser.add_argument("--load", type=int, default=1, help="times the usual number of requests per seed")
    given = parser.parse_args()
    seeds = commands = violations = 0
    began = said = time.monotonic()
    for report in campaign(range(given.first_seed, given.first_seed + given.seeds), given.jobs, given.load):
        seeds += 1
        commands += report.commands
        if report.violations:
            violations += 1
            if violations <= SHOWN_MAX:
                print(describe(report, given.load), flush=True)
        if time.monotonic() - said > SAY_EVERY_S:
            said = time.monotonic()
            rate = seeds / (said - began)
            print(f"… {seeds} seeds, {commands} answers, {rate:.0f} seeds/s", flush=True)
    print(f"seeds={seeds} commands={commands} violations={violations}")
    return 1 if violations or seeds < given.seeds else 0


if __name__ == "__main__":
    sys.exit(main())
