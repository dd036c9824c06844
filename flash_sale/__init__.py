"""Flash sale (秒杀): one actor per sale, which owns the stock carved out for it. Rules F1–F12.

Start reading at ``actor.py`` (a visit from opening to the last hold); ``evolution.py`` says how each event changes
``state.py``. Then one file per rule: ``waitlist.py`` and ``holds.py`` (F4), ``due.py`` (F7, F10: what is due, where
freed stock goes), ``draw.py`` (F11), ``sequence.py`` and ``proof.py`` (F12: what anyone can check), ``entry.py`` (F8:
the door's token), ``terms.py`` (what a plan must satisfy). What must always hold: ``invariants.py``.

Words: ``commands.py``, ``events.py``, ``rejections.py``; what callers get back: ``projections.py``. The page is
``docs/flash-sale.md``.
"""
