"""The bill: a value inside a table session, with its shares, payments and refunds (T6, T7, T10, T18, O3–O6, D5).

What it costs follows from its facts (``pricing/``), how it stands from its lines and payments (§ 0): neither is ever
set. Where to start: ``state.py`` is what it remembers, ``ledger.py`` one decision about it, tried on a copy;
``lines.py``, ``splitting.py``, ``paying.py`` and ``at_the_till.py`` are what can be decided; ``shares.py`` is the
arithmetic of a split; ``evolution.py`` is the only place where a bill changes; ``payment.py`` has a payment's states.

Kitchen facts are not here: nothing a bill decides can cook or print food (O5).
"""
