"""KitchenDesk: every dish is made once, and who waits for it knows how far it is (O2, O3, O7, O8, P4)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec import to_builtins
from msgspec.structs import replace

from actors.entity import Decision, answers, decides, reacts
from actors.turn import Turn
from actors.words import Event, Send
from store_runtime.audit_log.acts import act_done
from store_runtime.rejections import IllegalTransition, InvalidField
from store_runtime.store.kitchen import cancelling
from store_runtime.store.kitchen.commands import (
    AnswerCancel,
    AnswerRush,
    ChangeKitchen,
    FireCourse,
    GetKitchen,
    GetKitchenTerms,
    GetPromises,
    MoveLine,
    RushLine,
    RushLines,
    TakeStep,
)
from store_runtime.store.kitchen.events import CourseFired, KitchenChanged, KitchenMoved
from store_runtime.store.kitchen.evolution import KitchenEvolution
from store_runtime.store.kitchen.load import Load
from store_runtime.store.kitchen.machine import MACHINE, allowed
from store_runtime.store.kitchen.plan import Plan
from store_runtime.store.kitchen.projections import (
    KitchenView,
    LineView,
    Promise,
    Promises,
    line_view,
)
from store_runtime.store.kitchen.rejections import KitchenLineNotFound, TooSoon
from store_runtime.store.kitchen.screens import kitchen_view
from store_runtime.store.kitchen.state import KitchenLine
from store_runtime.store.kitchen.terms import KitchenTerms
from store_runtime.store.orders.commands import NoteLines
from store_runtime.store.orders.rejections import OrderUnknown
from store_runtime.store.orders.state import OrderLine, notes_of
from store_runtime.store.state import StoreBooks

MINUTE_MS = 60_000


class KitchenDesk(KitchenEvolution):
    """The kitchen line's decisions, its clock, its screens, and what orders hear of it."""

    # --- by hand ---------------------------------------------------------------------------------------

    @decides(TakeStep)
    def take_step(self, store: StoreBooks, cmd: TakeStep, turn: Turn) -> Decision[LineView]:
        """One step of the machine, of a line or of a part of it."""
        line = self.kitchen_line(store, cmd.line_id)
        InvalidField.check(cmd)
        plan = Plan(store.kitchen, turn.at, cmd.by)
        made = plan.step(cmd.line_id, cmd.step, cmd.quantity or 0, reason=cmd.reason)
        if cmd.step == "REMAKE":
            cancelling.make_again(plan, self._ordered(store, line), line, plan.line(made).quantity)
        yield plan.event()
        return line_view(made, plan.line(made), turn.at)

    @decides(AnswerCancel)
    def answer_cancel(self, store: StoreBooks, cmd: AnswerCancel, turn: Turn) -> Decision[LineView]:
        """The kitchen was asked (O3); it agrees, or it is too late."""
        line = self.kitchen_line(store, cmd.line_id)
        InvalidField.check(cmd)
        if line.state != "cancel_requested":
            raise IllegalTransition(state=line.state, allowed=allowed(line.state))
        plan = Plan(store.kitchen, turn.at, cmd.by)
        ordered = self._ordered(store, line)
        cancelling.answer(plan, store.kitchen, ordered, cmd.line_id, cmd.agreed, cmd.reason)
        yield plan.event()
        return line_view(cmd.line_id, plan.line(cmd.line_id), turn.at)

    @decides(MoveLine)
    def move_line(self, store: StoreBooks, cmd: MoveLine, turn: Turn) -> Decision[LineView]:
        """Another station makes it."""
        self.kitchen_line(store, cmd.line_id)
        InvalidField.check(cmd)
        plan = Plan(store.kitchen, turn.at, cmd.by)
        plan.step(cmd.line_id, "MOVE", station=cmd.station)
        yield plan.event()
        return line_view(cmd.line_id, plan.line(cmd.line_id), turn.at)

    # --- 起菜, 催菜 --------------------------------------------------------------------------------------

    @decides(FireCourse)
    def fire_course(self, store: StoreBooks, cmd: FireCourse, turn: Turn) -> Decision[list[str]]:
        """What waits of a course goes on the fire (O8); two courses do not follow each other at once."""
        lines = self._lines_of(store, cmd.order)
        again_at = (
            store.kitchen.course_fired_at.get(cmd.order, 0) + store.kitchen.terms.course_cooldown_s * 1_000
        )
        if turn.at < again_at:
            raise TooSoon(again_at=again_at)
        waiting = [
            line_id
            for line_id, line in lines
            if line.state == "on_hold" and cmd.course in ("", line.cooking.course)
        ]
        if not waiting:
            raise IllegalTransition(state="fired", allowed=[])
        plan = Plan(store.kitchen, turn.at, cmd.by)
        for line_id in waiting:
            plan.step(line_id, "FIRE")
        yield CourseFired(order=cmd.order, course=cmd.course)
        yield plan.event()
        return waiting

    @decides(RushLines)
    def rush_lines(self, store: StoreBooks, cmd: RushLines, turn: Turn) -> Decision[list[str]]:
        """An order asks where its dishes are (O8)."""
        wanted = [
            (line_id, line)
            for line_id, line in self._lines_of(store, cmd.order)
            if (not cmd.line_ids or line.cooking.order_line_id in cmd.line_ids)
            and cmd.course in ("", line.cooking.course)
        ]
        if not wanted:
            raise OrderUnknown()
        rushed = self._rushable(store, wanted, turn.at)
        plan = Plan(store.kitchen, turn.at, cmd.by)
        for line_id in rushed:
            plan.step(line_id, "RUSH")
        yield plan.event()
        return list(dict.fromkeys(plan.line(line_id).cooking.order_line_id for line_id in rushed))

    @decides(RushLine)
    def rush_line(self, store: StoreBooks, cmd: RushLine, turn: Turn) -> Decision[LineView]:
        """Staff ask for one of them."""
        line = self.kitchen_line(store, cmd.line_id)
        self._rushable(store, [(cmd.line_id, line)], turn.at)
        plan = Plan(store.kitchen, turn.at, cmd.by)
        plan.step(cmd.line_id, "RUSH")
        yield plan.event()
        return line_view(cmd.line_id, plan.line(cmd.line_id), turn.at)

    def _rushable(self, store: StoreBooks, lines: list[tuple[str, KitchenLine]], at: int) -> list[str]:
        """What can be asked for now; raises why nothing can."""
        in_work = [(line_id, line) for line_id, line in lines if "RUSH" in MACHINE[line.state]]
        if not in_work:
            states = [line.state for _, line in lines]
            raise IllegalTransition(state=states[0], allowed=allowed(states[0]))
        cooldown = store.kitchen.terms.rush_cooldown_s * 1_000
        again = {line_id: line.rushed_at + cooldown if line.rushed_at else 0 for line_id, line in in_work}
        quiet = [line_id for line_id, again_at in again.items() if again_at <= at]
        if not quiet:
            raise TooSoon(again_at=min(again.values()))
        return quiet

    @decides(AnswerRush)
    def answer_rush(self, store: StoreBooks, cmd: AnswerRush, turn: Turn) -> Decision[LineView]:
        """The kitchen's reply: who asked hears it with the new promise."""
        self.kitchen_line(store, cmd.line_id)
        InvalidField.check(cmd)
        plan = Plan(store.kitchen, turn.at, cmd.by)
        plan.step(
            cmd.line_id, "REPLY", promised_at=turn.at + cmd.minutes * MINUTE_MS, text=cmd.text or "收到"
        )
        yield plan.event()
        return line_view(cmd.line_id, plan.line(cmd.line_id), turn.at)

    # --- terms -----------------------------------------------------------------------------------------

    @decides(ChangeKitchen)
    def change_kitchen(self, store: StoreBooks, cmd: ChangeKitchen, turn: Turn) -> Decision[KitchenTerms]:
        """What is not None is changed."""
        self.must_exist(store)
        InvalidField.check(cmd)
        names = [one.station for one in cmd.stations or ()]
        if len(set(names)) < len(names):
            raise InvalidField(path="$.stations", problem="each station once")
        if cmd.number_skip_digits and set("123456789") <= set(cmd.number_skip_digits):
            raise InvalidField(path="$.number_skip_digits", problem="leave a digit to count with")
        wanted = {
            name: value
            for name in KitchenTerms.__struct_fields__
            if (value := getattr(cmd, name)) is not None
        }
        terms = replace(store.kitchen.terms, **wanted)
        if terms != store.kitchen.terms:
            yield KitchenChanged(terms=terms, by=cmd.by)
            subject = f"store/{self.id}/kitchen"
            before, now = to_builtins(store.kitchen.terms), to_builtins(terms)
            yield from act_done(self.id, turn, cmd.by, "store.settings", subject, before=before, after=now)
        return terms

    # --- by the clock ----------------------------------------------------------------------------------

    def kitchen_due(self, store: StoreBooks, at: int) -> Iterator[Event]:
        """What is to be ready at a moment is fired in time for it (T13)."""
        plan = Plan(store.kitchen, at)
        for line_id in store.kitchen.timed.due(at):
            plan.step(line_id, "FIRE")
        if plan.moves:
            yield plan.event()

    # --- what orders are told --------------------------------------------------------------------------

    @reacts(KitchenMoved)
    def tell_orders(self, store: StoreBooks, e: KitchenMoved, turn: Turn) -> Iterator[Send]:
        """Each order hears once of all that changed for it in this turn."""
        touched = dict.fromkeys(store.kitchen.lines[move.line_id].cooking.order_line_id for move in e.moves)
        for order, lines in notes_of(store.orders, touched, e.no).items():
            yield Send(to=order, command=NoteLines(lines=lines), step=f"note.{order}")

    # --- questions -------------------------------------------------------------------------------------

    @answers(GetKitchen)
    def show_kitchen(self, store: StoreBooks, query: GetKitchen, at: int) -> KitchenView:
        """A station, or all of it."""
        self.must_exist(store)
        return kitchen_view(store, query.station, at)

    @answers(GetKitchenTerms)
    def show_kitchen_terms(self, store: StoreBooks, query: GetKitchenTerms, at: int) -> KitchenTerms:
        """How the kitchen works."""
        self.must_exist(store)
        return store.kitchen.terms

    @answers(GetPromises)
    def show_promises(self, store: StoreBooks, query: GetPromises, at: int) -> Promises:
        """What a guest is told before ordering (★8)."""
        self.must_exist(store)
        load = Load(store.kitchen, at)
        dishes = store.menu.published.dishes
        return Promises(
            items=[
                Promise(
                    dish_id=dish.dish_id,
                    ready_in_minutes=load.ready_in_minutes(dish.station, dish.make_minutes),
                    full=load.full(dish.station),
                )
                for dish in dishes
                if dish.shown
            ]
        )

    # --- finding ---------------------------------------------------------------------------------------

    def kitchen_line(self, store: StoreBooks, line_id: str) -> KitchenLine:
        """A kitchen line by its id."""
        self.must_exist(store)
        line = store.kitchen.lines.get(line_id)
        if line is None:
            raise KitchenLineNotFound()
        return line

    def _ordered(self, store: StoreBooks, line: KitchenLine) -> OrderLine:
        return store.orders.lines[line.cooking.order_line_id]

    def _lines_of(self, store: StoreBooks, order: str) -> Iterable[tuple[str, KitchenLine]]:
        """What the kitchen has of an order and has not finished."""
        self.must_exist(store)
        lines = [
            (line_id, store.kitchen.lines[line_id])
            for line_id in store.kitchen.active
            if store.kitchen.lines[line_id].order == order
        ]
        if not lines:
            raise OrderUnknown()
        return lines
