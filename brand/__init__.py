"""Brand: what headquarters owns. So far the staff accounts and their roles (C3); kind ``staff-account``.

Start at ``actor.py``; who may do what is one table in ``roles.py``. Passwords are hashed by the door,
never here.
"""
