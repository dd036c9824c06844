"""TableSession (kind ``table-session``, id ``ts…``): one party's visit (T1–T9, T11, T16).

Its guests, the cart they share, the rounds they ordered, its bill. It keeps its id and the ``seq`` of its live events
when it moves to another table. Start at ``actor.py``, which puts the desks together: ``guests.py`` (who is there),
``cart.py`` and ``cart_desk.py`` (T2–T4), ``rounds.py`` (T5, T6), ``unlisted_desk.py`` (D8),
``calls.py`` (T9), ``clearing.py`` (T11).
"""
