"""What of Ray's inside we replace or read, in one place (docs/adr/0006), for the release that pyproject.toml pins."""

from __future__ import annotations

import functools
import inspect
import subprocess
from types import ModuleType
from typing import Any

import structlog

from cluster.embedded import EmbeddedFailure

UNUSED_SERVERS: dict[str, tuple[str, list[str]]] = {
    "start_monitor": ("start_head_processes", []),
    "start_log_monitor": ("start_ray_processes", []),
    "start_api_server": ("start_head_processes", ["include_dashboard", "raise_on_failure"]),
}
"""Method of Ray's node → its caller, its options. The autoscaler, log forwarder and dashboard: 265 MB and a third of
the processor time of Ray's start, for nothing that we ask of it."""
HEAD = ("gcs_server", "raylet")
"""The processes without which a driver cannot go on."""

log = structlog.get_logger("kaifan.ray")


def fit_ray() -> None:
    """Replace what we replace, once per process and before ``ray.init()``.

    Raises EmbeddedFailure when this Ray is built in another way: a replacement that Ray never calls would go
    unnoticed until the day it is needed.
    """
    import ray
    from ray._private import node, services, worker

    changed = changes(node, services, worker)
    if changed:
        raise EmbeddedFailure(
            f"Ray {ray.__version__} is not the one that Kaifan knows: {'; '.join(changed)}.",
            "Install what requirements.lock names (`make setup`), or adapt cluster/ray_internals.py.",
        )
    # Its actors' ends are told by the launcher; what else Ray has to say belongs into the log.
    worker.print_to_stdstream = _tell_log
    # In a session of their own: what the terminal or a supervisor sends to our process group must not reach them, or
    # they end before the silos have committed, and Ray then ends this process in the middle of everything.
    replaced: Any = services  # whose ConsolePopen is a class; a partial of it does for how it is called
    replaced.ConsolePopen = functools.partial(services.ConsolePopen, start_new_session=True)
    for server in UNUSED_SERVERS:
        setattr(node.Node, server, _start_nothing)


def head_processes() -> list[tuple[str, int]]:
    """Name and pid of the processes without which this process cannot go on."""
    from ray._private import worker

    node: Any = worker._global_node
    return [(name, info.process.pid) for name in HEAD for info in node.all_processes.get(name, [])]


def changes(node: ModuleType, services: ModuleType, worker: ModuleType) -> list[str]:
    """What is no longer as Ray 2.60 has it, in words; empty when all is. Gets Ray's modules unpatched."""
    found = [
        *_changes_of_call(worker, "print_to_stdstream", ["data", "ignore_prefix"]),
        *_changes_of_use(worker, "listen_error_messages", "print_to_stdstream"),
        *_changes_of_use(services, "start_ray_process", "ConsolePopen"),
        *_changes_of_use(worker, "shutdown", "_global_node"),
        *_changes_of_use(node.Node, "kill_all_processes", "all_processes"),
    ]
    popen = getattr(services, "ConsolePopen", None)
    if not (isinstance(popen, type) and issubclass(popen, subprocess.Popen)):
        found.append("ConsolePopen is no subprocess.Popen")
    for server, (starter, options) in UNUSED_SERVERS.items():
        found += _changes_of_call(node.Node, server, ["self", *options])
        found += _changes_of_use(node.Node, starter, server)
    return found


def _changes_of_call(owner: Any, name: str, parameters: list[str]) -> list[str]:
    function = _function(owner, name)
    if function is None:
        return [f"there is no {name}()"]
    now = list(inspect.signature(function).parameters)
    return [] if now == parameters else [f"{name}() takes {now} and not {parameters}"]


def _changes_of_use(owner: Any, user: str, name: str) -> list[str]:
    function = _function(owner, user)
    if function is None:
        return [f"there is no {user}()"]
    return [] if name in function.__code__.co_names else [f"{user}() no longer uses {name}"]


def _function(owner: Any, name: str) -> Any:
    return inspect.unwrap(found) if inspect.isfunction(found := getattr(owner, name, None)) else None


def _start_nothing(self: Any, **options: Any) -> None:
    """Takes the place of a server's start."""


def _tell_log(data: dict[str, Any], ignore_prefix: bool = False) -> None:
    """Takes the place of Ray's own printing of errors to the terminal."""
    log.warning("ray_says", lines=[str(line)[:500] for line in data.get("lines", [])])
