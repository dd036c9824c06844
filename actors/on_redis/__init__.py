"""What goes between silos through Redis: news for screens (``fan_out.py``). Nothing that must not be lost."""
