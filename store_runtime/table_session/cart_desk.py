"""Cart ops (T2–T4): nothing that commutes is refused for concurrency, and an op that comes twice is done once."""

from __future__ import annotations

from actors.entity import Decision, decides, evolves
from actors.turn import Turn
from pricing.selection import LINE_QUANTITY_MAX
from store_runtime.table_session.cart import Cart, CartLine, portion, summed
from store_runtime.table_session.commands import (
    CART_LINES_MAX,
    Add,
    CartOp,
    EditCart,
    Reassign,
    Remove,
    SetNote,
    SetQuantity,
)
from store_runtime.table_session.desk import Desk
from store_runtime.table_session.events import (
    LineAdded,
    LineNoted,
    OrderedLineReassigned,
    QuantityChanged,
)
from store_runtime.table_session.known_ops import op_key
from store_runtime.table_session.projections import (
    CartAnswer,
    OpResult,
    cart_line_view,
    line_id,
    line_number,
    shown,
)
from store_runtime.table_session.state import OrderedLine, Session
from store_runtime.table_session.wishes import wishes_changed

CartEvent = LineAdded | QuantityChanged | LineNoted


class _Refused(Exception):
    """One op is refused; the others of its request are not."""

    def __init__(self, code: str, detail: str, theirs: int | None = None) -> None:
        self.code, self.detail, self.theirs = code, detail, theirs


_REUSED = _Refused("op_id_reused", "This op_id was used for another change; give every change its own.")


class _Pad:
    """A request's ops, one after the other, on a draft of the cart."""

    def __init__(self, session_id: str, session: Session, author: str, at: int) -> None:
        self.session_id = session_id
        self.session = session
        self.author = author
        self.at = at
        self.cart = session.cart.draft()
        self.boss = session.is_boss(author)
        self.seq = session.live.seq
        self.reassigned: dict[str, dict[str, int]] = {}

    def decide(self, op: CartOp) -> tuple[CartEvent | OrderedLineReassigned | None, OpResult]:
        """What one op does, if anything, and its result."""
        done = self.cart.known.find(op_key(self.author, op.op_id))
        if done is not None:
            number, status, content = done
            if content and op.content and content != op.content:
                return None, self._no(op, _REUSED)
            return None, self._result(op, status, number)
        try:
            if not self.cart.known.has_room(self.at, 1):
                raise _Refused("too_many_ops", "This table has sent too many changes within the hour.")
            match op:
                case Add():
                    return self._add(op)
                case SetQuantity():
                    return self._set(op)
                case Remove():
                    return self._remove(op)
                case SetNote():
                    return self._note(op)
                case Reassign():
                    return self._reassign(op)
        except _Refused as no:
            return None, self._no(op, no)

    def _no(self, op: CartOp, no: _Refused) -> OpResult:
        return OpResult(
            op_id=op.op_id,
            status="rejected",
            line_id=getattr(op, "line_id", ""),
            code=no.code,
            detail=no.detail,
            theirs=no.theirs,
        )

    def apply(self, e: CartEvent | OrderedLineReassigned, *, last: bool) -> None:
        """The draft goes on from the event, as the cart will; after the last op nobody looks at it."""
        self.seq += 1
        if last:
            return
        if isinstance(e, OrderedLineReassigned):
            self.cart.known.add(op_key(e.by, e.op_id), self.at, 0, "accepted", e.content)
            self.reassigned[e.line_id] = summed(self._counts(e.line_id), e.change)
        else:
            apply(self.cart, e, self.seq, self.at)

    # --- one op each -----------------------------------------------------------------------------------

    def _add(self, op: Add) -> tuple[CartEvent, OpResult]:
        if op.problem:
            raise _Refused(op.problem, op.detail or "The menu does not offer this now.")
        if not 1 <= op.quantity <= LINE_QUANTITY_MAX:
            raise _too_many()
        assert op.quote is not None, "the ingress quotes what it does not refuse"
        clashes = self.session.clashing(op.quote.allergens)
        like = self.cart.like(op.selection, op.note)
        if like is not None:
            line = self.cart.lines[like]
            if line.quantity + op.quantity > LINE_QUANTITY_MAX:
                raise _too_many(theirs=line.quantity)
            newer = op.quote if op.quote != line.quote else None
            more = QuantityChanged(
                op_id=op.op_id,
                by=self.author,
                line=like,
                change={self.author: op.quantity},
                how="add",
                quote=newer,
                content=op.content,
            )
            return more, self._result(op, "accepted", like, op.quantity, clashes)
        if len(self.cart.lines) >= CART_LINES_MAX:
            raise _Refused("cart_full", f"A cart holds at most {CART_LINES_MAX} lines.")
        number = self.cart.next_line
        added = LineAdded(
            op_id=op.op_id,
            by=self.author,
            line=number,
            selection=op.selection,
            quantity=op.quantity,
            quote=op.quote,
            note=op.note,
            left=op.left,
            content=op.content,
        )
        result = OpResult(
            op_id=op.op_id,
            status="accepted",
            line_id=line_id(self.session_id, number),
            quantity=op.quantity,
            clashes=clashes,
        )
        return added, result

    def _set(self, op: SetQuantity) -> tuple[CartEvent | None, OpResult]:
        number, line = self._line(op.line_id)
        if not 0 <= op.quantity <= LINE_QUANTITY_MAX:
            raise _too_many(theirs=line.quantity)
        if op.based_on > self.seq:
            raise _Refused("revision_unknown", "based_on is ahead of this cart.", theirs=line.quantity)
        now = line.quantity
        base = line.base_of(op.based_on)
        if base is None:
            raise _Refused("revision_too_old", "Too much has changed since based_on.", theirs=now)
        # T4: what they meant is the difference to what they saw; two who both add one have added two.
        target = now + op.quantity - base if base != now else op.quantity
        target = max(0, target)
        if target > LINE_QUANTITY_MAX:
            raise _too_many(theirs=now)
        status = "accepted" if base == now else "merged"
        result = OpResult(
            op_id=op.op_id,
            status=status,
            line_id=op.line_id,
            quantity=target,
            yours=op.quantity if status == "merged" else None,
            theirs=now if status == "merged" else None,
        )
        if target == now:
            return None, result
        change = {self.author: target - now} if target > now else self._less(line, now - target)
        how = "set" if status == "accepted" else "merge"
        return self._changed(op, number, change, how), result

    def _remove(self, op: Remove) -> tuple[CartEvent | None, OpResult]:
        number = line_number(self.session_id, op.line_id)
        if 0 < number < self.cart.next_line and number not in self.cart.lines:
            if op.line_id in self.session.ordered:
                raise _Refused("line_ordered", "This line has been ordered; only staff can cancel it.")
            return None, OpResult(op_id=op.op_id, status="accepted", line_id=op.line_id, quantity=0)
        number, line = self._line(op.line_id)
        own = line.quantity if self.boss else line.counts.get(self.author, 0)
        if not own:
            raise _not_yours(line)
        change = self._less(line, own)
        result = OpResult(op_id=op.op_id, status="accepted", line_id=op.line_id, quantity=line.quantity - own)
        return self._changed(op, number, change, "remove"), result

    def _note(self, op: SetNote) -> tuple[CartEvent | None, OpResult]:
        number, line = self._line(op.line_id)
        if not self.boss and self.author not in line.counts:
            raise _not_yours(line)
        result = OpResult(op_id=op.op_id, status="accepted", line_id=op.line_id, quantity=line.quantity)
        if line.note == op.note:
            return None, result
        return LineNoted(
            op_id=op.op_id, by=self.author, line=number, note=op.note, content=op.content
        ), result

    def _reassign(self, op: Reassign) -> tuple[CartEvent | OrderedLineReassigned, OpResult]:
        ordered = self.session.ordered.get(op.line_id)
        number, line = (0, ordered) if ordered is not None else self._line(op.line_id)
        giver = op.guest_id or self.author
        if giver != self.author and not self.boss:
            raise _not_yours(line)
        has = (line.counts if ordered is None else self._counts(op.line_id)).get(giver, 0)
        quantity = op.quantity or has
        if op.to not in self.session.guests:
            raise _Refused("guest_not_found", "Nobody here has this guest id.")
        if op.to == giver or not 0 < quantity <= has:
            raise _Refused("quantity_limit", "More than this guest has on the line.", theirs=has)
        change = {giver: -quantity, op.to: quantity}
        result = OpResult(op_id=op.op_id, status="accepted", line_id=op.line_id, quantity=line.quantity)
        if ordered is not None:
            e = OrderedLineReassigned(
                op_id=op.op_id, by=self.author, line_id=op.line_id, change=change, content=op.content
            )
            return e, result
        return self._changed(op, number, change, "reassign"), result

    def _counts(self, ordered: str) -> dict[str, int]:
        """Who has what of an ordered line, after the ops before this one."""
        return self.reassigned.get(ordered) or self.session.ordered[ordered].counts

    # --- what they share -------------------------------------------------------------------------------

    def _line(self, wanted: str) -> tuple[int, CartLine]:
        number = line_number(self.session_id, wanted)
        line = self.cart.lines.get(number)
        if line is None:
            if wanted in self.session.ordered:
                raise _Refused("line_ordered", "This line has been ordered; add the dish again.")
            raise _Refused("line_not_found", "The cart has no such line (any more).")
        return number, line

    def _less(self, line: CartLine, quantity: int) -> dict[str, int]:
        """Who has less: the author first; of others only by host and staff (T3)."""
        if not self.boss and line.counts.get(self.author, 0) < quantity:
            raise _not_yours(line)
        return {author: -less for author, less in portion(line.counts, quantity, self.author).items()}

    def _changed(self, op: CartOp, number: int, change: dict[str, int], how: str) -> QuantityChanged:
        return QuantityChanged(
            op_id=op.op_id, by=self.author, line=number, change=change, how=how, content=op.content
        )

    def _result(
        self, op: CartOp, status: str, number: int, more: int = 0, clashes: tuple[str, ...] = ()
    ) -> OpResult:
        """Of a line that is there, or was."""
        line = self.cart.lines.get(number)
        return OpResult(
            op_id=op.op_id,
            status=status,
            line_id=line_id(self.session_id, number) if number else getattr(op, "line_id", ""),
            quantity=(0 if line is None else line.quantity) + more,
            clashes=clashes,
        )


def _too_many(theirs: int | None = None) -> _Refused:
    return _Refused("quantity_limit", f"A line holds 1 to {LINE_QUANTITY_MAX}.", theirs=theirs)


def _not_yours(line: CartLine | OrderedLine) -> _Refused:
    return _Refused(
        "not_your_line",
        "Only who ordered it, the host or the staff can change that.",
        theirs=line.quantity,
    )


def apply(cart: Cart, e: CartEvent, seq: int, at: int) -> CartLine | None:
    """What an event does to a cart; the line as it is then. The only place where ops change carts."""
    status = "merged" if isinstance(e, QuantityChanged) and e.how == "merge" else "accepted"
    cart.known.add(op_key(e.by, e.op_id), at, e.line, status, e.content)
    match e:
        case LineAdded():
            return cart.add(e, seq, at)
        case QuantityChanged():
            return cart.change(e, seq, at)
        case LineNoted():
            return cart.set_note(e, at)


class CartDesk(Desk):
    """Takes cart ops."""

    @decides(EditCart)
    def edit(self, session: Session, cmd: EditCart, turn: Turn) -> Decision[CartAnswer]:
        """All ops of one request, in their order; each is accepted, merged or rejected by itself."""
        author = self.author_here(session, cmd)
        pad = _Pad(self.id, session, author, turn.at)
        results = []
        scarce = bool(session.wishes) or any(type(op) is Add and op.left for op in cmd.ops)
        for left, op in enumerate(cmd.ops, 1 - len(cmd.ops)):
            event, result = pad.decide(op)
            if event is not None:
                pad.apply(event, last=not left and not scarce)
                yield event
            results.append(result)
        if scarce:
            yield from wishes_changed(session, pad.cart.lines.values())
        return CartAnswer(seq=pad.seq, results=tuple(results))

    # --- what the events do: each is one live event (T2) -------------------------------------------------

    @evolves(LineAdded)
    def on_added(self, session: Session, e: LineAdded, at: int) -> None:
        self._changed(session, e, "line_added", at)

    @evolves(QuantityChanged)
    def on_changed(self, session: Session, e: QuantityChanged, at: int) -> None:
        self._changed(session, e, "line_changed", at)

    @evolves(LineNoted)
    def on_noted(self, session: Session, e: LineNoted, at: int) -> None:
        self._changed(session, e, "line_changed", at)

    @evolves(OrderedLineReassigned)
    def on_reassigned(self, session: Session, e: OrderedLineReassigned, at: int) -> None:
        session.cart.known.add(op_key(e.by, e.op_id), at, 0, "accepted", e.content)
        line = session.ordered[e.line_id]
        line.counts = summed(line.counts, e.change)
        session.live.add("line_reassigned", at, line_id=e.line_id, counts=line.counts, by=e.by)

    def _changed(self, session: Session, e: CartEvent, type: str, at: int) -> None:
        line = apply(session.cart, e, session.live.seq + 1, at)
        if line is None:
            session.live.add("line_removed", at, line_id=line_id(self.id, e.line), by=e.by)
        else:
            view = shown(cart_line_view(self.id, e.line, line))
            session.live.add(type, at, line=view, by=e.by)
