"""Ray inside the launcher: local, closed to others, small."""

from __future__ import annotations

import hashlib
import os
import secrets
import sys
import tempfile
from pathlib import Path

OBJECT_STORE_BYTES = 80_000_000
NAMESPACE = "kaifan"


def short_folder(data_folder: Path) -> Path:
    """A folder under the system's temp folder, named by a hash: unix socket paths hold 107 bytes."""
    name = hashlib.blake2b(str(data_folder).encode(), digest_size=5).hexdigest()
    folder = Path(tempfile.gettempdir()) / f"kaifan-{name}"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def close_ray_to_others() -> None:
    """Let Ray take only clients with this start's token. Ray reads this once, when it is imported."""
    assert "ray" not in sys.modules, "Ray has read its environment already"
    os.environ["RAY_AUTH_MODE"] = "token"
    os.environ["RAY_AUTH_TOKEN"] = secrets.token_hex(24)
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    os.environ.setdefault("RAY_enable_metrics_collection", "0")


def start_ray(folder: Path, silos_max: int) -> None:
    """Start a Ray of our own in this process. Blocking; about three seconds.

    It listens on all interfaces whatever one says, hence :func:`close_ray_to_others`.
    """
    import ray

    assert os.environ.get("RAY_AUTH_MODE") == "token", "close_ray_to_others() before ray is imported"

    ray.init(
        # Without this it would join a cluster that somebody else started on this machine.
        address="local",
        namespace=NAMESPACE,
        num_cpus=max(silos_max, 1),
        include_dashboard=False,
        log_to_driver=False,
        configure_logging=False,
        object_store_memory=OBJECT_STORE_BYTES,
        _temp_dir=str(folder / "ray"),
        _node_ip_address="127.0.0.1",
    )


def stop_ray() -> None:
    import ray

    ray.shutdown()
