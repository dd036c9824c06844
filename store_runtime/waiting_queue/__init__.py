"""The queue at a store's door (kind ``waiting-queue``, id = store_id): numbers by party size, in order. Rule T15.

Numbers of a day are given once, whoever gives them: the last one is in the state. ``eta.py`` says how long it may
take, from the tables as they stand. What is ordered while waiting becomes round 1 of the session, as the pre-order of
a reservation does (``SeatReservation``). Start at ``actor.py``.
"""
