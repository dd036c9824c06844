"""Flash sale (秒杀): one actor per sale, which owns the stock carved out for it. Rules F1–F12.

Start reading at ``actor.py`` (a visit from opening to the last hold), then ``waitlist.py`` (F4) and
``draw.py`` (F11). Words: ``commands.py``, ``events.py``, ``rejections.py``; what callers get back:
``projections.py``; what must always hold: ``invariants.py``; what anyone can check afterwards:
``proof.py`` (F12); the door's token: ``entry.py`` (F8). The page is ``docs/flash-sale.md``.
"""
