"""Delivery (kind ``delivery``, id = store_id): where a store delivers to, for how much. Rule T12.

``zones.py`` is the geometry and the fee: pure functions of terms and an address. ``quote.py`` is the signed promise
of a fee; it holds for ten minutes and is checked without state. How one order is on its way is the order's
(``store_runtime/takeout``). Start at ``actor.py``.
"""
