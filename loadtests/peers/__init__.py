"""What Kaifan is measured against: one server per file, written as its users would write it well.

Each speaks the same small part of the HTTP contract (open a sale, claim, read a claim, read the sale), checks
the same bearer token, and keeps the same rules: stock, limit per user, same key same answer. Durability
differs and is printed with every figure.
"""
