"""换台 / 并台 / 拆台 / 转菜 (T8): a party changes its table, parties become one and part again, lines change parties.

A transfer takes the other table first or is refused; it holds nothing while it waits, so two that cross cannot wait
for each other. Lines travel in a *parcel*: they leave one session in the event that sends it, and are in the other by
the event that takes it; in between the parcel stands in the sender's books, and comes back if it is refused.
``transfer.py`` is the way to a table, ``parcels.py`` what travels, ``merging.py`` who sends and takes it,
``combining.py`` two parties side by side.
"""
