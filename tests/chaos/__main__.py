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
from pathlib import Path
from statistics import median

from tests.chaos.episode import Episode, run_episode
from tests.chaos.faults import FAULTS, NEED_TWO_SILOS
from tests.chaos.system import NotRecovered, System

FAULTS_PER_EPISODE = 4
EPISODES_PER_SYSTEM = 12
"""Then a new data folder: a journal that grows for ever would hide faults of young ones."""


async def main(arguments: argparse.Namespace) -> int:
    chance = random.Random(arguments.seed)
    names = arguments.fault or [n for n in FAULTS if arguments.silos > 1 or n not in NEED_TWO_SILOS]
    began, kills, done = time.monotonic(), 0, []
    deadline = began + arguments.minutes * 60
    while kills < arguments.kills and not _broken(done):
        async with _system(arguments) as system:
            for _ in range(EPISODES_PER_SYSTEM):
                faults = [chance.choice(names) for _ in range(FAULTS_PER_EPISODE)]
                episode = await run_episode(system, faults, chance.randrange(2**32))
                done.append(episode)
                kills += episode.kills
                _tell(len(done), kills, episode)
                if episode.violations or kills >= arguments.kills or time.monotonic() > deadline:
                    break
