"""What an order asks of its store, and what the store tells the order. Amounts fen, moments ms since the epoch."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from actors.words import Command
from pricing.menu import Name, PriceFen
from pricing.selection import LineQuantity, Selection
from store_runtime.by import By
from store_runtime.store.kitchen.terms import StationName
from store_runtime.store.orders.projections import PlacedLines

LINES_MAX = 200
NOTE_LENGTH_MAX = 200
ANY_PRICE = -1
"""As ``quoted_fen``: no price was promised, what it costs now is right."""

Channel = Literal["dine_in", "pickup", "delivery", "reservation"]
Note = Annotated[str, Meta(max_length=NOTE_LENGTH_MAX)]
LineStatus = Literal[
    "held", "on_hold", "queued", "cooking", "ready", "served", "cancel_requested", "cancelled"
]


class WantedLine(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line of an order.

    Args:
        line_id: the order's own id of it, unique over all orders (it begins with the order's id).
        quoted_fen: the price of one that the guest saw; another price now is a problem of the line (D1).
        hold: 叫起: the kitchen waits until it is fired by hand.
        allergy: somebody at the table declared an allergy that this dish clashes with (D7): a banner, no name.
    """

    line_id: str
    selection: Selection
    quantity: LineQuantity
    quoted_fen: int
    note: Note = ""
    course: Annotated[str, Meta(max_length=64)] = ""
    hold: bool = False
    allergy: bool = False


class PlaceLines(Command, frozen=True, kw_only=True):
    """Price and take the stock of all lines, or of none. Answered with PlacedLines; rejected with CartStale.

    Args:
        label: what paper and screens call the order: "8 号桌", "A012".
        fire: at once; or the stock is held until FireLines or ReleaseLines, or ``hold_until`` has passed.
        menu_version: the version that was quoted.
        instead_of: ``<order>#<batch>`` of a hold that this takes the place of: what it keeps is free for these lines
            and for nobody else (T14).
        number_wanted: give a pickup number (T13) with the answer, or when it is fired.
    """

    order: str
    batch: int
    label: str
    channel: Channel
    menu_version: int
    lines: Annotated[tuple[WantedLine, ...], Meta(min_length=1, max_length=LINES_MAX)]
    fire: bool = True
    hold_until: int = 0
    ready_at: int = 0
    number_wanted: bool = False
    instead_of: str = ""


class PlaceUnlisted(Command, frozen=True, kw_only=True):
    """临时菜: staff add a dish that is on no menu (D8). Answered with PlacedLines."""

    order: str
    batch: int
    label: str
    channel: Channel
    line_id: str
    name: Name
    unit_price_fen: PriceFen
    quantity: LineQuantity
    station: StationName = ""
    fire: bool = True
    hold_until: int = 0


class FireLines(Command, frozen=True, kw_only=True):
    """What was held goes to the kitchen: paid, or accepted. Answered with PlacedLines (its number by now)."""

    order: str
    batch: int


class ReleaseLines(Command, frozen=True, kw_only=True):
    """What was held and not fired is back in stock. Remembered of a batch that comes later."""

    order: str
    batch: int
    reason: str


class CancelLine(Command, frozen=True, kw_only=True):
    """退菜 (O3): ``quantity`` of a line shall not be served.

    On hold or queued it is cancelled at once and its stock is back; once cooking began the kitchen is asked
    (CANCEL_REQUEST). The store's word comes as NoteLines.
    """

    order: str
    line_id: str
    quantity: LineQuantity
    reason: str
    by: By | None = None


class CompLine(Command, frozen=True, kw_only=True):
    """赠菜 (O3): ``quantity`` of a line is on the house. It stays sold and is served as it was; the kitchen's record
    says so. What it costs is the order's business.
    """

    order: str
    line_id: str
    quantity: LineQuantity
    reason: str
    by: By | None = None


class AcceptLines(Command, frozen=True, kw_only=True):
    """接单 (O2): what waited for it goes to the kitchen. Answered with PlacedLines; accepting twice changes nothing.

    Impossible once it was rejected or released: its refund has begun.
    """

    order: str
    batch: int
    by: By | None = None


class RejectLines(Command, frozen=True, kw_only=True):
    """拒单 (O2): the held stock is back and the order is told (RejectOrder). Impossible once it was fired."""

    order: str
    batch: int
    reason: Note
    by: By | None = None


class RejectOrder(Command, frozen=True, kw_only=True):
    """The store tells the order that it will not make this batch (step ``rejected`` of RejectLines).

    Whoever can be an order decides it, and starts the refund of what was paid in the same turn.
    """

    batch: int
    reason: str
    by: By | None = None


class RelabelOrder(Command, frozen=True, kw_only=True):
    """转台: the order is now called ``label``. Lines that are named go to another order's address (转菜, T8).

    ``moves``: how often each of the lines has moved, this time included (or, of a whole order, the order itself).
    What moves often is told by several orders, and the words may overtake each other: the highest number holds.
    """

    order: str
    label: str
    to_order: str = ""
    line_ids: tuple[str, ...] = ()
    moves: tuple[int, ...] = ()


class LineNote(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How one line stands. ``seq`` counts the notes of this line, so that an older one is known as such.

    ``cancelled`` is how many of it are off by now, ``refused`` how many the kitchen has refused to take off.
    ``reply`` is what the kitchen said to a 催菜.
    """

    line_id: str
    seq: int
    status: LineStatus
    quantity: int
    cancelled: int = 0
    refused: int = 0
    promised_at: int = 0
    reply: str = ""


class NoteLines(Command, frozen=True, kw_only=True):
    """The store tells the order how its lines stand. Whoever can be an order decides it."""

    lines: tuple[LineNote, ...]
    number: str = ""


class LinesPlaced(Command, frozen=True, kw_only=True):
    """The store tells the order what a batch costs: when it takes it (PlaceLines, PlaceUnlisted) and, with ``fired``
    and the number (T13), when what it held goes to the kitchen.

    The order hears it from whoever comes first: this message (step ``placed`` of PlaceLines, ``fired`` of FireLines
    and of AcceptLines), or the ingress that saw the store's answer. Whoever can be an order decides it.
    """

    placed: PlacedLines
    fired: bool = False
