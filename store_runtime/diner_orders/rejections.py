"""Why a list of orders says no."""

from __future__ import annotations

from store_runtime.rejections import InvalidField

__all__ = ["InvalidField"]
