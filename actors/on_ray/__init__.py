"""Lanes as Ray actor calls: works wherever Ray does. Ray guarantees nothing else here."""

from actors.on_ray.transport import RayTransport

__all__ = ["RayTransport"]
