"""Patterns of texts, for msgspec and OpenAPI alike.

They end in END and not in a bare ``$``, which in Python also matches before a line feed at the end.
"""

from __future__ import annotations

END = r"$(?!\n)"

ONE_LINE = r"^[^\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]*" + END
"""What people name things: no control characters, and nothing that turns the direction of the text around it.

Joiners stay allowed: emoji and several scripts are written with them.
"""
