"""Ray inside the launcher: local, closed to others, small."""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import secrets
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil

from cluster.ray_internals import fit_ray

OBJECT_STORE_BYTES = 80_000_000
NAMESPACE = "kaifan"
NAMES = ("ray", "gcs_server", "python")
"""How the names of Ray's processes begin."""
END_S = 5.0


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
    # Ray takes its workers for batch work and runs them at nice 15: behind everything else on the machine.
    os.environ.setdefault("RAY_worker_niceness", "0")


def start_ray(folder: Path, silos_max: int, log_file: Path) -> None:
    """Start a Ray of our own in this process. Blocking; about two seconds.

    It listens on all interfaces whatever one says, hence :func:`close_ray_to_others`.
    """
    import ray

    assert os.environ.get("RAY_AUTH_MODE") == "token", "close_ray_to_others() before ray is imported"
    fit_ray()
    _log_to(log_file)
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


def _log_to(file: Path) -> None:
    """What Ray has to say goes to a file of its own."""
    # ray.init() takes the handlers of the logger "ray" away, not those below it.
    logger = logging.getLogger("ray._private")
    logger.handlers = [logging.FileHandler(file)]
    logger.propagate = False


def stop_ray() -> None:
    import ray

    ray.shutdown()


# --- leftovers -----------------------------------------------------------------------------------------------


def end_ray_leftovers(folder: Path) -> int:
    """End what a killed run left of its Ray, and remove its files; how many processes it was.

    To be called under the data folder's lock: then no living system uses ``folder``, so whoever has a file open in
    it is a leftover. Ray's processes have no state worth a farewell.
    """
    leftovers = list(_leftovers(folder / "ray"))
    for process in leftovers:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(leftovers, timeout=END_S)
    forget_ray(folder)
    return len(leftovers)


def forget_ray(folder: Path) -> None:
    """Remove Ray's sockets and logs."""
    shutil.rmtree(folder / "ray", ignore_errors=True)


def _leftovers(folder: Path) -> Iterator[psutil.Process]:
    for process in psutil.process_iter(["name"]):
        named = (process.info["name"] or "").startswith(NAMES)
        if named and process.pid != os.getpid() and _has_open(process.pid, str(folder)):
            yield process


def _has_open(pid: int, folder: str) -> bool:
    try:
        descriptors = os.listdir(f"/proc/{pid}/fd")
    except OSError:
        return False
    return any(_target(pid, descriptor).startswith(folder + "/") for descriptor in descriptors)


def _target(pid: int, descriptor: str) -> str:
    try:
        return os.readlink(f"/proc/{pid}/fd/{descriptor}")
    except OSError:
        return ""
