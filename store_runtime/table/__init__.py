"""Table (kind ``table``, id = ``<store_id>.<table_id>``): its phase, its code, and who sits at it (T1, T8, T11).

A table knows the sessions at it (8A and 8B where strangers share it) and lets guests in by its store's policy; what
they order is the session's. Its terms come from the store, which hears of every change of its phase.
Start at ``actor.py``; who is let in is ``admission.py``.
"""
