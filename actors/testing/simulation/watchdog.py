"""A turn that does not end, as the world sees it: the loop stands still, the watchdog ends the process.

The next incarnation of the seat finds the entity's name in the slot and quarantines it before it serves, as
``cluster/silo_process.py`` does; the launcher tells the others of the end as soon as the process is gone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from actors.quarantine import Quarantine

if TYPE_CHECKING:
    from actors.testing.simulation.loop import SimLoop
    from actors.testing.simulation.world import Seat, World

TURN_MAX_S = 0.6
"""Virtual seconds until the watchdog ends the process of an endless turn."""
RESTART_S = 0.4


class EndlessTurn(SystemExit):
    """Raised by a test entity's decision in place of a turn that does not end. ``entity`` is ``turn.entity``."""

    def __init__(self, entity: str) -> None:
        super().__init__(f"the turn of {entity} does not end")
        self.entity = entity


def end_process(world: World, loop: SimLoop, entity: str) -> None:
    """Nothing of this loop runs any more; its process ends after TURN_MAX_S and starts again."""
    seat = next(seat for seat in world.seats.values() if seat.loop is loop)
    world.endless.setdefault(entity, []).append(seat.name)
    seat.slot = entity
    world.say(f"endless turn of {entity} at {seat.name}")
    ended = seat.silo
    world.kill(seat.name, told=False)

    def announce() -> None:
        if ended is not None:
            world.announce_end(ended)
        world.after(RESTART_S, start_again)

    def start_again() -> None:
        if not seat.alive:
            world.start_silo(seat.name)

    world.after(TURN_MAX_S, announce)


def heed_slot(world: World, seat: Seat) -> None:
    """Before a process of this seat serves, whoever starts it."""
    if seat.slot:
        world.quarantine.put_now(Quarantine(entity=seat.slot, reason="a turn did not end"))
        seat.slot = ""
