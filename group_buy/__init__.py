"""Group buy (拼团): nothing is in this room yet.

It will own the groups and campaigns of rules G1–G10: the last seat goes to exactly one guest and the
others get what they chose beforehand (G1), a seat is held when ordering (G2), an expired group refunds
every paid member once (G3), a shop fills seats only openly and never with invented people (G4), a leader
who leaves has a successor or the group dissolves (G5), the leader's discount (G6), a refund after success
re-opens nothing (G7), one active group per diner and item (G8), tiered groups refund the difference once
(G9), and expiry against the last payment has one outcome (G10). It will be built on ``actors`` with the
same doors as ``flash_sale``.
"""
