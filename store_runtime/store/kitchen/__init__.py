"""The kitchen of a store: every line is cooked exactly once, and every step of it is a fact (O1–O3, O7, O8, P4).

``machine.py`` is the line's machine, ``desk.py`` decides. A decision tries its steps in a ``plan.py`` and becomes one
``KitchenMoved``; ``lines.py`` is what a move does. ``load.py`` promises times; ``screens.py`` is what cooks see.

A set is cooked as its parts: each part is a kitchen line of its own, because it has its own station, course and time.
The order's line stands where the least of its parts stands, and a set is cancelled whole or not at all. A step of
part of a line (2 of 3) first splits that part off, so that every line is in exactly one state.
"""
