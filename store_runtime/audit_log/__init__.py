"""The audit log of a store (A1): every sensitive act, chained by hash.

Other rooms start at ``acts.py``: an entity that is ``Audited`` yields ``ActDone`` with its own events, and the act
arrives here once, whatever happens in between. ``chain.py`` has the hash, ``actor.py`` the log itself. ``kaifan
audit`` computes the chain again and compares what was sent with what was entered.
"""
