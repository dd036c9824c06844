"""The testing kit finds what the runtime could not live with, in an entity that has every such fault on demand."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import msgspec
import pytest

from actors.entity import Decision, Entity, answers, decides, evolves, reacts, wakes
from actors.testing.kit import NOON, Stage, after
from actors.turn import Turn
from actors.words import Command, Event, Query, Rejection, Send, Wake


class Pour(Command, frozen=True, kw_only=True):
    cups: int


class Poured(Event, frozen=True, kw_only=True):
    cups: int


class Emptied(Event, frozen=True, kw_only=True):
    pass


class HowMuch(Query, frozen=True, kw_only=True):
    pass


class Overflow(Rejection):
    """The pot holds no more."""

    left: int


class Pot(msgspec.Struct):
    cups: int = 0
    poured_at: int = 0
    names: list[str] = []


class PotView(msgspec.Struct, frozen=True):
    cups: int


class TeaPot(Entity[Pot]):
    """A pot for five cups that empties itself after a minute, and tells the next pot."""

    kind = "tea-pot"

    def blank(self) -> Pot:
        return Pot()

    @decides(Pour)
    def pour(self, pot: Pot, cmd: Pour, turn: Turn) -> Decision[PotView]:
        if pot.cups + cmd.cups > 5:
            raise Overflow(left=5 - pot.cups)
        yield Poured(cups=cmd.cups)
        return PotView(pot.cups + cmd.cups)

    @evolves(Poured)
    def on_poured(self, pot: Pot, e: Poured, at: int) -> None:
        pot.cups += e.cups
        pot.poured_at = at

    @evolves(Emptied)
    def on_emptied(self, pot: Pot, e: Emptied, at: int) -> None:
        pot.cups = 0

    @decides(Wake)
    def wake(self, pot: Pot, cmd: Wake, turn: Turn) -> Decision[None]:
        if pot.cups and turn.at >= pot.poured_at + 60_000:
            yield Emptied()

    @answers(HowMuch)
    def how_much(self, pot: Pot, query: HowMuch, at: int) -> PotView:
        return PotView(pot.cups)

    @reacts(Poured)
    def pass_on(self, pot: Pot, e: Poured, turn: Turn) -> Iterator[Send]:
        if self.id == "first":
            yield Send(to="tea-pot/second", command=Pour(cups=e.cups), step="pass", if_rejected=Pour(cups=1))

    @wakes
    def deadline(self, pot: Pot) -> int | None:
        return pot.poured_at + 60_000 if pot.cups else None


def test_what_was_given_is_what_a_decision_starts_from() -> None:
    """A pair happens at its moment; an event alone with the one before it, the first at noon."""
    pot = after(TeaPot("p"), (Poured(cups=1), NOON - 5), Poured(cups=2))

    assert pot.state == Pot(cups=3, poured_at=NOON - 5)
    assert after(TeaPot("p"), Poured(cups=1)).state.poured_at == NOON


def test_a_turn_answers_events_reply_and_sends() -> None:
    """An accepted command becomes part of what is given."""
    pot = after(TeaPot("first"))

    outcome = pot.when(Pour(cups=2), NOON + 1)

    assert outcome.accepted
    assert outcome.events == [Poured(cups=2)]
    assert outcome.reply == PotView(2)
    assert [(send.to, send.command) for send in outcome.sends] == [("tea-pot/second", Pour(cups=2))]
    assert pot.ask(HowMuch()) == PotView(2)


def test_a_refused_command_changes_nothing() -> None:
    """The rejection can be compared with the facts expected."""
    pot = after(TeaPot("p"), Poured(cups=4))

    outcome = pot.when(Pour(cups=2))

    assert outcome.rejection == Overflow(left=1)
    assert outcome.rejection != Overflow(left=2)
    assert (outcome.events, outcome.sends, outcome.reply) == ([], [], None)
    assert pot.state.cups == 4


def test_reminders_come_at_their_deadline_or_later() -> None:
    """then_wake is the next reminder; wakes_until lets time pass."""
    pot = after(TeaPot("p"), Poured(cups=4))

    assert pot.deadline == NOON + 60_000
    assert pot.then_wake().events == [Emptied()]
    assert pot.deadline is None
    pot.when(Pour(cups=1))
    assert [outcome.at for outcome in pot.wakes_until(NOON + 500_000)] == [NOON + 120_000]
    assert pot.at == NOON + 500_000


def test_time_does_not_go_back() -> None:
    """An entity's clock never does, so a test's must not."""
    with pytest.raises(AssertionError, match="time goes back"):
        after(TeaPot("p"), Poured(cups=1)).when(Pour(cups=1), NOON - 1)


class DecidesInPlace(TeaPot):
    """Changes the state in decide."""

    kind = "decides-in-place"

    @decides(Pour)
    def pour(self, pot: Pot, cmd: Pour, turn: Turn) -> Decision[PotView]:
        pot.cups += cmd.cups
        yield Poured(cups=0)
        return PotView(pot.cups)


class RefusesInPlace(TeaPot):
    """Changes the state before it refuses."""

    kind = "refuses-in-place"

    @decides(Pour)
    def pour(self, pot: Pot, cmd: Pour, turn: Turn) -> Decision[PotView]:
        pot.cups += 1
        yield from ()
        raise Overflow(left=0)


class DecidesByChance(TeaPot):
    """Decides by something that is not in the turn."""

    kind = "decides-by-chance"
    decided: ClassVar[int] = 0

    @decides(Pour)
    def pour(self, pot: Pot, cmd: Pour, turn: Turn) -> Decision[PotView]:
        DecidesByChance.decided += 1
        yield Poured(cups=DecidesByChance.decided)
        return PotView(0)


class EvolvesByChance(TeaPot):
    """Evolves by something that is not in the event."""

    kind = "evolves-by-chance"
    evolved: ClassVar[int] = 0

    @evolves(Poured)
    def on_poured(self, pot: Pot, e: Poured, at: int) -> None:
        EvolvesByChance.evolved += 1
        pot.cups = EvolvesByChance.evolved


class WakesForNothing(TeaPot):
    """Is due, and does nothing about it."""

    kind = "wakes-for-nothing"

    @decides(Wake)
    def wake(self, pot: Pot, cmd: Wake, turn: Turn) -> Decision[None]:
        yield from ()


class SendsTwiceAlike(TeaPot):
    """Two sends share a step, so the second would be taken for the first."""

    kind = "sends-twice-alike"

    @reacts(Poured)
    def pass_on(self, pot: Pot, e: Poured, turn: Turn) -> Iterator[Send]:
        for _ in range(2):
            yield Send(to="tea-pot/second", command=Pour(cups=1), step="pass")


class AnswersInPlace(TeaPot):
    """Changes the state in an answer."""

    kind = "answers-in-place"

    @answers(HowMuch)
    def how_much(self, pot: Pot, query: HowMuch, at: int) -> PotView:
        pot.names.append("asked")
        return PotView(pot.cups)


@pytest.mark.parametrize(
    ("faulty", "complaint"),
    [
        (DecidesInPlace, "changed the state outside evolve"),
        (RefusesInPlace, "changed the state outside evolve"),
        (DecidesByChance, "decides otherwise again"),
        (EvolvesByChance, "replay leads to another state"),
        (SendsTwiceAlike, "share a step"),
    ],
)
def test_a_faulty_turn_is_found(faulty: type[TeaPot], complaint: str) -> None:
    """Each fault that the runtime could not live with fails the test that meets it."""
    with pytest.raises(AssertionError, match=complaint):
        after(faulty("p")).when(Pour(cups=1))


def test_a_reminder_that_does_nothing_is_found() -> None:
    """The runtime would wake such an entity again and again."""
    pot = after(WakesForNothing("p"), Poured(cups=1))

    with pytest.raises(AssertionError, match="woken for ever"):
        pot.then_wake()


def test_an_answer_that_changes_something_is_found() -> None:
    """A read must not write."""
    with pytest.raises(AssertionError, match="changed the state outside evolve"):
        after(AnswersInPlace("p")).ask(HowMuch())


class Hidden(msgspec.Struct):
    cups: object = None


class HidesState(Entity[Hidden]):
    """Keeps something that no snapshot can keep."""

    kind = "hides-state"

    def blank(self) -> Hidden:
        return Hidden()

    @evolves(Poured)
    def on_poured(self, state: Hidden, e: Poured, at: int) -> None:
        state.cups = Pot(e.cups) if state.cups is None else Pot(state.cups.cups)  # type: ignore[attr-defined]


def test_state_that_a_snapshot_loses_is_found() -> None:
    """A struct in an untyped field comes back as a dict: the second event meets it."""
    pot = after(HidesState("p"), Poured(cups=1))

    with pytest.raises(AttributeError):
        pot.then(Poured(cups=1))


def test_a_stage_delivers_what_entities_send_each_other() -> None:
    """In any order, also twice: a second delivery is not executed."""
    stage = Stage(after(TeaPot("first")), after(TeaPot("second")))
    stage.when("tea-pot/first", Pour(cups=2))

    assert stage.deliver(twice=True) is not None
    assert stage.deliver() is None
    assert stage["tea-pot/second"].state.cups == 2
    assert not stage.in_flight


def test_a_stage_brings_a_rejected_send_back_as_its_compensation() -> None:
    """The sender gets if_rejected as a command of its own."""
    stage = Stage(after(TeaPot("first")), after(TeaPot("second"), Poured(cups=4)))
    stage.when("tea-pot/first", Pour(cups=2))

    stage.deliver()
    stage.deliver()

    assert stage["tea-pot/first"].state.cups == 3


def test_a_stage_lets_time_pass_for_everybody() -> None:
    """Reminders fire at their deadlines, the earliest first."""
    stage = Stage(after(TeaPot("first")), after(TeaPot("second")))
    stage.when("tea-pot/first", Pour(cups=2))
    stage.settle()

    stage.pass_until(NOON + 60_000)

    assert [stage[f"tea-pot/{name}"].state.cups for name in ("first", "second")] == [0, 0]
    assert stage.at == NOON + 60_000
