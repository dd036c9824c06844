"""Who works in a store: a list that the accounts keep up to date by their own messages (C3).

The accounts are the truth; this is where one looks them up by store. It may be a moment behind.
"""
