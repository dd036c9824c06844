"""Evenings at the demo's restaurants, played through HTTP as guests, cooks and cashiers would, and the books after.

``python -m loadtests.scenarios`` starts a system with the demo, plays one evening in each of its restaurants at the
same time, and checks the books: every line cooked once, every bill settled to the fen, the stock of every dish
accounted for, no pickup number twice. It ends with 1 and what is wrong.
"""
