"""The floor: which tables a store has, on which terms, and how each of them stands (T1, T10).

The store owns the list and sends ``ConfigureTable`` to a table whenever its terms change; a table tells ``NoteTable``
whenever its phase does, so that the floor is one question.
"""
