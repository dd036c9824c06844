"""Payments: the channels money comes through, each behind one small protocol.

So far there is the simulated channel (``simulated.py``): it keeps the rules of a real one and moves no
money. What a payment *is* belongs to the order or bill it pays (``store_runtime/bill/payment.py``);
this room only knows how a channel behaves (``channel.py``).
"""
