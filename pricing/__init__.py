"""Pricing: (menu version, rule version, facts) → a bill that explains every fen. Pure; imports nothing of ours.

``menu.py`` is what a restaurant offers, ``selection.py`` what a guest chose of it, ``items.py`` what that costs.
``facts.py`` is what a bill is made from, ``pipeline.py`` the phases that make it, ``workings.py`` what they write on.
Rules D1–D3, D5, M5, M7, T10, T19.
"""
