"""Orders at their store: stock of all lines or none, and how the store and an order speak (D4, T5, O1, O2).

An *order* here is whoever asks for dishes: a table session's round or a takeout order; ``order`` is its address
(``table-session/<id>``, ``takeout/<id>``), ``batch`` its round (1 for a takeout order). The store prices and takes
the stock in one turn; its kitchen lines are ``store/kitchen``.

    PlaceLines ──► taken (held until fired or released) or 409 with a line per problem: nothing is taken
    FireLines  ──► the held stock is sold and the lines go to the kitchen (paid, or accepted, or at once)
    ReleaseLines ─► the held stock is back: unpaid, rejected, cancelled before it was fired
    AcceptLines, RejectLines ─► where firing waits for 接单: the lines go to the kitchen, or their stock is back and
                  the order is told RejectOrder
    LinesPlaced ◄─ the store tells the order the prices and the number; again, with ``fired``, after FireLines
    NoteLines  ◄── the store tells the order how its lines stand, each change once
"""
