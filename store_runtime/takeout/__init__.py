"""TakeoutOrder (kind ``takeout``): one order outside the tables, its bill and its payment. Rules F6, O6,
§ money.

Here it is the order of a flash claim: placed at checkout, paid over a channel, confirmed by the sale, and
never with money stuck: every order ends sold and settled, refunded, or void. Start at ``actor.py``; the
payment's states are in ``payment.py``, what the bill says in ``bill.py``.
"""
