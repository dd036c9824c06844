"""Store (kind ``store``, id = store_id): settings, a small menu, and the stock of every dish for every
channel.

Rules D4 (one owner of a dish's stock, an invariant of its sum) and F10 (sale stock is carved out of it).
Start at ``actor.py``; the counting is in ``stock.py``, what must hold in ``invariants.py``.
"""
