"""The menu of a store and what of it can be had (D1 to D8).

``desk.py``: draft → publish (now or at a moment) → versions. ``stock_desk.py``: 估清, counts, refills, options.
``state.py`` keeps the published menu whole, and older versions compressed; the books are ``store/stock.py``.
"""
