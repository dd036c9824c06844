"""DinerOrders (kind ``diner-orders``, id = user_id): the orders of one diner, newest first.

Fed by the orders themselves; a note that is older than what is known changes nothing, so their order of
arrival does not matter. Start at ``actor.py``.
"""
