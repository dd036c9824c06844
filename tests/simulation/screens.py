"""Screens that follow boards through every fault, on any silo, over a fan-out that loses what it likes (X1)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from actors.feeds import News
from actors.live import Hub
from actors.silo import Silo
from actors.testing.simulation import Workload
from actors.testing.simulation.loop import SimLoop
from actors.testing.simulation.world import Seat, World
from actors.words import Accepted, Query, Reply
from tests.actors.followed import Board, BoardLanguage, Read, Screen, Write

BOARDS = 4
SCREENS = 12
WISHES_EVERY_S = 1.0
RESTLESS_S = 5.0
LOST = 0.1
"""Of all messages, beside what the weather takes."""


class SimFanOut:
    """One silo's part of a pub/sub that loses, doubles, delays, and is away for a while."""

    def __init__(self, air: Air, hub: Hub, loop: SimLoop) -> None:
        self.air = air
        self.hub = hub
        self.loop = loop
        self.up = air.up
        self.wants: dict[str, None] = {}
        hub.fan_out = self

    def subscribe(self, entity: str) -> None:
        self.wants[entity] = None
        self.air.carry(self, lambda: self.hub.subscribed(entity))
        self.wish()

    def unsubscribe(self, entity: str) -> None:
        self.wants.pop(entity, None)

    def publish(self, entity: str, news: News) -> None:
        for other in self.air.fan_outs:
            if other is not self and entity in other.wants:
                self.air.carry(other, lambda other=other: other.hub.heard(entity, news))  # type: ignore[misc]

    def wish(self) -> None:
        for entity in self.wants:
            seq = self.hub.seq_of(entity)
            for other in self.air.fan_outs:
                if other is not self:
                    self.air.carry(
                        other,
                        lambda other=other, entity=entity, seq=seq: other.hub.wanted(entity, seq),  # type: ignore[misc]
                    )


class Air:
    """What the fan-outs of all silos go through."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.fan_outs: list[SimFanOut] = []
        self.up = True
        world.after(WISHES_EVERY_S, self._wish)

    def carry(self, to: SimFanOut, what: Any) -> None:
        """With a fate of its own."""
        if not self.up or self.world.rng.random() < LOST:
            return
        fate = self.world.fate()
        times = 0 if fate == "lost" else 1 + (fate == "answer lost")
        for _ in range(times):
            late = self.world.rng.random() * 0.5 if fate == "late" else self.world.latency()
            self.world.after(late, lambda: None if to.loop.dead else to.loop.call_soon(what))

    def _wish(self) -> None:
        for one in self.fan_outs:
            if not one.loop.dead and one.loop.paused_until <= self.world.now:
                one.wish()
        self.world.after(WISHES_EVERY_S, self._wish)

    def turn(self, up: bool) -> None:
        """Away, or back: every subscription is made anew then."""
        self.up = up
        for one in self.fan_outs:
            if one.loop.dead:
                continue
            one.up = up
            if not up:
                one.loop.call_soon(one.hub.cut)
            else:
                for entity in one.wants:
                    self.carry(one, lambda one=one, entity=entity: one.hub.subscribed(entity))  # type: ignore[misc]


class Phone(Screen):
    """A screen whose silo may die; it dials again elsewhere with the newest it has shown."""

    def __init__(self, screens: Screens, board: str) -> None:
        super().__init__()
        self.screens = screens
        self.board = board
        self.seat: Seat | None = None
        self.loop: SimLoop | None = None
        self.connected = False

    def tell(self, pieces: bytes) -> None:
        super().tell(pieces)
        self._look()

    def reset(self, seq: int) -> None:
        super().reset(seq)
        self._look()

    def _look(self) -> None:
        memory = self.screens.world.shadow.get(self.board)
        committed = memory.state.seq if memory is not None else 0
        if self.shown > committed:
            self.wrong.append(f"shows {self.shown} before it is committed ({committed})")
        for wrong in self.wrong:
            self.screens.world.violate(f"a screen of {self.board}: {wrong}")

    def dial(self) -> None:
        """Connect to any living silo."""
        world, seats = self.screens.world, self.screens.seats()
        if not seats:
            world.after(0.1, self.dial)
            return
        self.seat = seats[world.rng.randrange(len(seats))]
        self.loop = loop = self.seat.loop
        self.seq, self.ready = self.shown, True
        assert loop is not None
        loop.call_soon(self._ask, loop)
        world.after(2.5, lambda: self._impatient(loop))

    def _impatient(self, loop: SimLoop) -> None:
        if self.loop is loop and not self.connected:
            self.dial()

    def _ask(self, loop: SimLoop) -> None:
        assert self.seat is not None
        assert self.seat.silo is not None
        silo = self.seat.silo
        silo.router.submit(
            self.board,
            Read(since=self.shown),
            command_id=b"",
            deadline=silo.clock.monotonic() + 1.5,
            callback=lambda reply: self._answered(loop, silo, reply),
        )

    def _answered(self, loop: SimLoop, silo: Silo, reply: Reply) -> None:
        if self.loop is not loop or self.connected or not isinstance(reply, Accepted):
            return
        news = BoardLanguage().news(reply.answer)
        self.connected, self.seq = True, news.seq
        if news.reset:
            self.reset(news.seq)
        elif news.pieces:
            self.tell(b"".join(news.pieces))
        self.screens.hub_of(silo).follow(self.board, self)

    def watch_over(self) -> None:
        """Its silo is gone: dial again. Sometimes it hangs up by itself, or does not read for a while."""
        world, loop = self.screens.world, self.loop
        if loop is not None and (loop.dead or (self.seat is not None and self.seat.loop is not loop)):
            self.connected = False
            self.dial()
        elif self.connected and loop is not None and world.now < self.screens.restless_until:
            chance = world.rng.random()
            if chance < 0.05:
                self._hang_up(loop)
            elif chance < 0.15:
                self.ready = not self.ready
                if self.ready:
                    loop.call_soon(self._resume)
        world.after(0.2, self.watch_over)

    def _hang_up(self, loop: SimLoop) -> None:
        silo = self.seat.silo if self.seat is not None else None
        if silo is not None:
            loop.call_soon(self.screens.hub_of(silo).unfollow, self.board, self)
            self.screens.world.after(0.01, self._come_again)

    def _come_again(self) -> None:
        self.connected = False
        self.dial()

    def _resume(self) -> None:
        if self.seat is not None and self.seat.silo is not None and self.ready:
            self.screens.hub_of(self.seat.silo).resume(self.board, self)


class Screens(Workload):
    types = (Board,)
    hub_class: type[Hub] = Hub

    def begin(self) -> None:
        self.air = Air(self.world)
        self.restless_until = self.world.now + RESTLESS_S
        """From then on phones stay where they are: whoever dials again is brought up to date by that."""
        self.phones = [Phone(self, self._board()) for _ in range(SCREENS)]
        for phone in self.phones:
            self.world.after(self.rng.random() * 2.0, phone.dial)
            self.world.after(2.0, phone.watch_over)
        for _ in range(self.rng.randint(60, 160) * self.load):
            self.world.after(self.rng.random() * 5.5, self._write)
        if self.rng.random() < 0.5:
            away = self.rng.random() * 4.0
            self.world.after(away, lambda: self.air.turn(False))
            self.world.after(away + self.rng.random() * 3.0, lambda: self.air.turn(True))

    def _board(self) -> str:
        return f"board/{self.rng.randrange(BOARDS)}"

    def _write(self) -> None:
        self.clients.send(self._board(), Write(lines=self.rng.randint(1, 3)), self.new_id())

    def seats(self) -> list[Seat]:
        return [seat for seat in self.world.living() if seat.silo is not None and not seat.silo.stopped]

    def hub_of(self, silo: Silo) -> Hub:
        """Made at the first screen; runs on the silo's loop."""
        hub: Hub | None = getattr(silo, "hub", None)
        if hub is None:
            hub = silo.watch(BoardLanguage(), self.hub_class)
            silo.hub = hub  # type: ignore[attr-defined]
            loop = self.world.loop_of(silo.address)
            assert loop is not None
            self.air.fan_outs.append(SimFanOut(self.air, hub, loop))
        return hub

    def probes(self) -> dict[str, Query]:
        for phone in self.phones:
            phone.ready = True
            if phone.loop is not None and not phone.loop.dead:
                phone.loop.call_soon(phone._resume)
        return {f"board/{number}": Read(since=0) for number in range(BOARDS)}

    def verdict(self) -> Sequence[str]:
        found = []
        for phone in self.phones:
            memory = self.world.shadow.get(phone.board)
            last = memory.state.seq if memory is not None else 0
            if phone.shown != last:
                found.append(f"a screen of {phone.board} shows {phone.shown}; {last} lines are committed")
        return found


# Bugs planted on purpose: how other ways to follow lose, invent or repeat.


class _TakesGaps(Hub):
    """What is heard is what happened: the pieces in between are never fetched."""

    def _learn(self, feed: Any, news: News, heard: bool = False) -> None:
        if heard and news.seq - feed.seq > len(news.pieces):
            feed.forget(news.seq - len(news.pieces))
            for follower in feed.followers:
                follower.seq = feed.seq
        super()._learn(feed, news, heard)


class _NeverAsksInSilence(Hub):
    """A lost message that no other follows, and an owner that moved, go unnoticed."""

    def look(self) -> None:
        pass

    def wanted(self, entity: str, seq: int) -> None:
        if entity not in self.feeds:
            super().wanted(entity, seq)


class _TellsTwice(Hub):
    """What is heard again is told again."""

    def heard(self, entity: str, news: News) -> None:
        feed = self.feeds.get(entity)
        if feed is not None and news.pieces and news.seq == feed.seq:
            for follower in feed.followers:
                follower.tell(news.pieces[-1])
        super().heard(entity, news)


def _mutant(hub: type[Hub]) -> type[Screens]:
    return type(f"Screens{hub.__name__}", (Screens,), {"hub_class": hub})


SCREEN_MUTANTS: dict[str, type[Screens]] = {
    "X1 a gap is taken as it comes": _mutant(_TakesGaps),
    "X1 silence is taken for peace": _mutant(_NeverAsksInSilence),
    "X1 what is heard again is told again": _mutant(_TellsTwice),
}
