"""The deterministic simulator: the real runtime on virtual time, with an outside that fails as the seed says.

Ten lines put a new entity under faults (``docs/reliability.md`` shows them): subclass :class:`Workload`, then
``simulate(seed, MyWorkload).violations`` must be empty for every seed.
"""

from actors.testing.simulation.clients import Clients, read
from actors.testing.simulation.faults import Faults
from actors.testing.simulation.run import Report, Workload, simulate
from actors.testing.simulation.watchdog import EndlessTurn
from actors.testing.simulation.world import SETTINGS, Weather, World

__all__ = [
    "SETTINGS",
    "Clients",
    "EndlessTurn",
    "Faults",
    "Report",
    "Weather",
    "Workload",
    "World",
    "read",
    "simulate",
]
