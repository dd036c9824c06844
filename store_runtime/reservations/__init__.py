"""Reservations (T14, T18): a slot holds seats and kitchen minutes, with a deposit and a pre-order.

Two actors: the plan of a store (kind ``reservation-plan``, id = store_id; ``plan.py``) says which slots there are; a
book per store and day (kind ``reservation-book``, id ``<store_id>.<yyyymmdd>``; ``actor.py``) keeps the bookings, so
that its state is bounded by a day. A reservation's id is ``<book id>.r…`` and its deposit's payment ``….p1``: either
names the book. The pre-order holds its dishes from T−x and becomes round 1 of a session (``SeatReservation``).
"""
