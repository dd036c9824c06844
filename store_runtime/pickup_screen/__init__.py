"""The screen at a store's counter (kind ``pickup-screen``, id = store_id): whose food is made, whose is ready (T13).

Orders tell it how they stand; it keeps those of the last hours and forgets who has gone.
"""
