"""``python -m tests.chaos --kills 200``: the long run. The last line sums it up; exit code 1 on a violation."""

from __future__ import annotations

import argparse
import asyncio
import random
import shutil
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from loadtests.processes import DidNotStart
from loadtests.subjects import SaleRefused
from loadtests.wire import ConnectionBroken
from tests.chaos.episode import Episode, audit, run_episode
from tests.chaos.faults import FAULTS, NEED_TWO_SILOS, SLOW
from tests.chaos.system import NotRecovered, System

FAULTS_PER_EPISODE = 4


async def run(folder: Path, arguments: argparse.Namespace) -> int:
    """Episode after episode on one system, until enough was killed or something is wrong."""
    chance = random.Random(arguments.seed)
    names = arguments.fault or [n for n in FAULTS if arguments.silos > 1 or n not in NEED_TWO_SILOS]
    deadline = time.monotonic() + arguments.minutes * 60
    episodes: list[Episode] = []
    wrong: list[str] = []
    system = System(folder, arguments.silos)
    try:
        await system.start()
        while _kills(episodes) < arguments.kills and not wrong and time.monotonic() < deadline:
            faults = chance.choices(names, [1 if name in SLOW else 3 for name in names], k=FAULTS_PER_EPISODE)
            episodes.append(await run_episode(system, faults, chance.randrange(2**32)))
            wrong += episodes[-1].violations
            _tell(len(episodes), episodes)
        wrong += await audit(system)
    except (DidNotStart, NotRecovered, SaleRefused, ConnectionBroken) as failed:
        wrong.append(f"{type(failed).__name__}: {failed}")
    finally:
        await system.stop()
    for line in [*_times(episodes), *(f"VIOLATION {violation}" for violation in wrong)]:
        print(line)
    short = _kills(episodes) < arguments.kills
    if short and not wrong:
        print(f"Only {_kills(episodes)} of {arguments.kills} kills within {arguments.minutes} minutes.")
    print(
        f"kills={_kills(episodes)} episodes={len(episodes)} attempts={sum(e.attempts for e in episodes)} "
        f"acknowledged={sum(e.acknowledged for e in episodes)} reads={sum(e.reads for e in episodes)} "
        f"violations={len(wrong)}"
    )
    return 1 if wrong or short else 0


def _kills(episodes: Sequence[Episode]) -> int:
    return sum(episode.kills for episode in episodes)


def _tell(number: int, episodes: Sequence[Episode]) -> None:
    last = episodes[-1]
    faults = ", ".join(f"{name} {ms / 1000:.2f} s" for name, ms in last.until_claim_ms)
    verdict = "yes" if not last.violations else "NO"
    print(f"{number:4} kills={_kills(episodes):4} acknowledged={last.acknowledged:5} {verdict:3} {faults}")
    sys.stdout.flush()


def _times(episodes: Sequence[Episode]) -> list[str]:
    """Seconds from each fault to the first claim begun and held after it."""
    times: defaultdict[str, list[float]] = defaultdict(list)
    for episode in episodes:
        for name, ms in episode.until_claim_ms:
            times[name].append(ms / 1000)
    return [
        f"{name:22} runs={len(seconds):3} median={median(seconds):5.2f} s max={max(seconds):5.2f} s"
        for name, seconds in sorted(times.items())
    ]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--kills", type=int, default=200, help="processes to kill or stop [200]")
    parser.add_argument("--silos", type=int, default=2)
    parser.add_argument(
        "--seed", type=int, default=1, help="of the choice of faults; timing stays the machine's"
    )
    parser.add_argument("--minutes", type=float, default=60.0, help="end by then, as a failure [60]")
    parser.add_argument("--fault", action="append", choices=sorted(FAULTS), help="only this; may be repeated")
    return parser.parse_args()


def main() -> int:
    folder = Path(tempfile.mkdtemp(prefix="kaifan-chaos-"))
    result = asyncio.run(run(folder, _arguments()))
    if result:
        print(f"Logs and the clients' histories are kept in {folder}", file=sys.stderr)
    else:
        shutil.rmtree(folder, ignore_errors=True)
    return result


if __name__ == "__main__":
    sys.exit(main())
