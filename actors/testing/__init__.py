"""How a room tests its actor without a runtime: ``kit.py`` (after these events, when this command, then
that).
"""
