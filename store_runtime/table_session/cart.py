"""The shared cart (T2–T4): what each author has on each line, and what a line's quantity was at an earlier seq.

Lines are never changed in place: a change puts another line in their place, so that a decision can go on with a draft
of the cart, which shares all lines with it.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from pricing.selection import Selection
from store_runtime.store.orders.rejections import LineProblem
from store_runtime.store.stock import option_key
from store_runtime.table_session.commands import Quote
from store_runtime.table_session.events import LineAdded, LineNoted, QuantityChanged
from store_runtime.table_session.known_ops import KnownOps

HEARD_MAX = 300
"""Stock keys of which the last word is kept; above it the one that was heard of first is forgotten."""

CHANGES_MAX = 16
"""Earlier quantities that a line remembers: a submit with an older view is asked to look again."""


Heard = tuple[int, int | None]
"""The store's count of changes when it said so, and how many are left; None: enough."""


class CartLine(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line. ``counts``: author → how many; ``changes``: (seq, the quantity from then on), oldest first.

    ``stock``: what the store said last of what it needs, by stock key;
    ``since``: the seq at which it came into the cart; ``problem``: what the store said when it was last submitted.
    """

    selection: Selection
    quote: Quote
    counts: dict[str, int]
    added_by: str
    added_at: int
    since: int
    changes: tuple[tuple[int, int], ...]
    note: str = ""
    edited_by: str = ""
    edited_at: int = 0
    problem: LineProblem | None = None
    stock: dict[str, Heard] = {}

    @property
    def quantity(self) -> int:
        """All authors' together."""
        return self.changes[-1][1]

    @property
    def left(self) -> int | None:
        """How many can be had of what it needs, as the store said last; None: enough, as far as is known."""
        if not self.stock:
            return None
        return min((left for _, left in self.stock.values() if left is not None), default=None)

    @property
    def revision(self) -> int:
        """The seq at which its quantity changed last."""
        return self.changes[-1][0]

    def quantity_at(self, seq: int) -> int | None:
        """What a view with ``seq`` showed, less what was ordered since; None: no longer known."""
        if seq < self.since:
            return 0
        for changed, quantity in reversed(self.changes):
            if changed <= seq:
                return quantity
        return None

    def base_of(self, seq: int) -> int | None:
        """What a change that was based on ``seq`` can have seen at the least: not less than when the line came."""
        return self.quantity_at(max(seq, self.since))

    def changed(self, counts: dict[str, int], seq: int) -> tuple[tuple[int, int], ...]:
        """Its changes, and one more."""
        return (*self.changes[1 - CHANGES_MAX :], (seq, sum(counts.values())))


class Cart(msgspec.Struct, kw_only=True):
    """All lines by their number. Numbers go on through rounds, so that a line keeps its id when it is ordered.

    ``heard``: what the store said last of each stock key, also of those that no line needs yet.
    """

    lines: dict[int, CartLine] = {}
    next_line: int = 1
    known: KnownOps = msgspec.field(default_factory=KnownOps)
    heard: dict[str, Heard] = {}

    def draft(self) -> Cart:
        """For a decision: changes of it are not seen here."""
        return Cart(
            lines=dict(self.lines),
            next_line=self.next_line,
            known=KnownOps(rows=self.known.rows),
            heard=self.heard,
        )

    def news(self, change: int, left: dict[str, int | None]) -> dict[str, int | None]:
        """What of a word about stock is newer than what was heard."""
        return {key: count for key, count in left.items() if self.heard.get(key, (-1, None))[0] < change}

    def like(self, selection: Selection, note: str) -> int | None:
        """The line that wants the same."""
        for number, line in self.lines.items():
            if line.note == note and line.selection == selection:
                return number
        return None

    # --- used by evolve, and on drafts -----------------------------------------------------------------

    def add(self, e: LineAdded, seq: int, at: int) -> CartLine:
        """A new line."""
        line = CartLine(
            selection=e.selection,
            quote=e.quote,
            counts={e.by: e.quantity},
            added_by=e.by,
            added_at=at,
            since=seq,
            changes=((seq, e.quantity),),
            note=e.note,
            # What the ingress knew is older than whatever the store has said itself.
            stock={key: (-1, left) for key, left in e.left.items()} | self._stock_of(e.selection),
        )
        self.lines[e.line] = line
        self.next_line = max(self.next_line, e.line + 1)
        return line

    def change(self, e: QuantityChanged, seq: int, at: int) -> CartLine | None:
        """More or less of some authors; None: nothing is left and the line is gone."""
        line = self.lines[e.line]
        counts = summed(line.counts, e.change)
        if not counts:
            del self.lines[e.line]
            return None
        changed = msgspec.structs.replace(
            line,
            counts=counts,
            changes=line.changed(counts, seq),
            edited_by=e.by,
            edited_at=at,
            quote=e.quote or line.quote,
            problem=None if e.quote else line.problem,
        )
        self.lines[e.line] = changed
        return changed

    def set_note(self, e: LineNoted, at: int) -> CartLine:
        """Another note."""
        line = msgspec.structs.replace(self.lines[e.line], note=e.note, edited_by=e.by, edited_at=at)
        self.lines[e.line] = line
        return line

    def take(self, number: int, taken: dict[str, int], seq: int) -> CartLine | None:
        """Ordered: no longer in the cart, nor in what an earlier view of it could order (T4)."""
        line = self.lines[number]
        counts = summed(line.counts, {author: -quantity for author, quantity in taken.items()})
        if not counts:
            del self.lines[number]
            return None
        ordered = sum(taken.values())
        earlier = tuple((changed, max(0, quantity - ordered)) for changed, quantity in line.changes)
        rest = msgspec.structs.replace(
            line, counts=counts, changes=(*earlier[1 - CHANGES_MAX :], (seq, sum(counts.values())))
        )
        self.lines[number] = rest
        return rest

    def put_back(self, number: int, line: CartLine, seq: int) -> tuple[int, CartLine]:
        """Not ordered after all: on the line that wants the same, or a line of its own. Returns which, and it."""
        like = number if number in self.lines else self.like(line.selection, line.note)
        if like is not None:
            there = self.lines[like]
            counts = summed(there.counts, line.counts)
            back = msgspec.structs.replace(there, counts=counts, changes=there.changed(counts, seq))
        else:
            like = number
            back = msgspec.structs.replace(
                line,
                since=seq,
                changes=((seq, sum(line.counts.values())),),
                stock=self._stock_of(line.selection),
            )
        self.lines[like] = back
        return like, back

    def hear(self, change: int, left: dict[str, int | None]) -> list[int]:
        """The store said what is left; returns the lines that show something else now."""
        for key, count in left.items():
            self.heard.pop(key, None)
            self.heard[key] = (change, count)
        while len(self.heard) > HEARD_MAX:
            del self.heard[next(iter(self.heard))]
        changed = []
        for number, line in self.lines.items():
            told = msgspec.structs.replace(line, stock=self._stock_of(line.selection))
            self.lines[number] = told
            if told.left != line.left:
                changed.append(number)
        return changed

    def _stock_of(self, selection: Selection) -> dict[str, Heard]:
        return {key: self.heard[key] for key in keys_of(selection) if key in self.heard}


def keys_of(selection: Selection) -> Iterator[str]:
    """The stock keys of what was chosen, each once or more.

    >>> list(keys_of(Selection(dish_id="noodles", options=("egg",))))
    ['noodles', 'noodles#egg']
    """
    for dish_id, options in (
        (selection.dish_id, selection.options),
        *((choice.dish_id, choice.options) for choice in selection.choices),
    ):
        yield dish_id
        for option_id in options:
            yield option_key(dish_id, option_id)


def summed(counts: dict[str, int], change: dict[str, int]) -> dict[str, int]:
    """Counts after a change; authors with nothing are left out.

    >>> summed({"g1": 2, "g2": 1}, {"g2": -1, "g3": 4})
    {'g1': 2, 'g3': 4}
    """
    result = dict(counts)
    for author, quantity in change.items():
        result[author] = result.get(author, 0) + quantity
    assert all(quantity >= 0 for quantity in result.values()), f"less than nothing: {counts} and {change}"
    return {author: quantity for author, quantity in result.items() if quantity}


def portion(counts: dict[str, int], quantity: int, first: str = "") -> dict[str, int]:
    """``quantity`` out of what authors have, of ``first`` before all others, then in their order.

    >>> portion({"g1": 2, "g2": 2}, 3, first="g2")
    {'g2': 2, 'g1': 1}
    """
    taken: dict[str, int] = {}
    for author in sorted(counts, key=lambda one: one != first):
        here = min(counts[author], quantity)
        if here:
            taken[author] = here
            quantity -= here
    assert quantity == 0, "not more than there is"
    return taken
