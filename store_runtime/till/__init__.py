"""The till of a store: whose shift each payment, refund and movement of cash belongs to (A3).

An entity that takes money or gives it back sends ``book_to_shift(…)`` (``bookings.py``) with its own events; the till
books it to the shift of who did it, once. Counting and closing a shift are not here yet: what is expected in a drawer
is known here and shown to nobody who is going to count it.
"""
