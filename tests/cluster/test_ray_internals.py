"""What we replace inside Ray is there, is used, and does what docs/adr/0006 says. Each in a process of its own."""

from __future__ import annotations

import json
import tempfile

import pytest

from tests.cluster.running import run_program

CHECK = """
import json, subprocess, sys
from types import SimpleNamespace
from ray._private import node as node_, services as services_, worker as worker_
from cluster.ray_internals import changes

told = {}
for change in json.loads(sys.argv[1]):
    services, worker = SimpleNamespace(**vars(services_)), SimpleNamespace(**vars(worker_))
    methods = {name: value for name, value in vars(node_.Node).items() if callable(value)}
    node = SimpleNamespace(Node=type("Node", (), methods))
    exec(change)
    told[change] = changes(node, services, worker)
print(json.dumps(told))
"""

NEXT_RELEASES = {
    "del worker.print_to_stdstream": "there is no print_to_stdstream()",
    "worker.print_to_stdstream = lambda data: None": "print_to_stdstream() takes ['data'] and not",
    "worker.listen_error_messages = lambda worker, threads_stopped: None": (
        "listen_error_messages() no longer uses print_to_stdstream"
    ),
    "del services.ConsolePopen": "ConsolePopen is no subprocess.Popen",
    "services.start_ray_process = lambda *args: subprocess.Popen(args)": (
        "start_ray_process() no longer uses ConsolePopen"
    ),
    "del node.Node.start_monitor": "there is no start_monitor()",
    "del node.Node.start_log_monitor": "there is no start_log_monitor()",
    "node.Node.start_api_server = lambda self: None": "start_api_server() takes ['self'] and not",
    "node.Node.start_head_processes = lambda self: self.start_gcs_server()": (
        "start_head_processes() no longer uses start_monitor"
    ),
    "worker.shutdown = lambda: worker.the_node.kill_all_processes()": "shutdown() no longer uses _global_node",
    "node.Node.kill_all_processes = lambda self: self.children.kill()": (
        "kill_all_processes() no longer uses all_processes"
    ),
}
"""A change as a later release might bring it → how it is told."""

START = """
import json, os, sys
from pathlib import Path
from cluster.ray_runtime import close_ray_to_others, start_ray, stop_ray

close_ray_to_others()
start_ray(Path(sys.argv[1]), 4, Path(sys.argv[1]) / "ray.log")
import psutil
from ray._private import worker
from cluster.ray_internals import head_processes

try:
    node = worker._global_node
    children = [p for infos in node.all_processes.values() for p in infos]
    worker.print_to_stdstream({"lines": ["a word of Ray's"], "pid": "raylet", "is_err": False}, ignore_prefix=False)
    told = {
        "started": sorted(node.all_processes),
        "same session": [info.process.pid for info in children if os.getsid(info.process.pid) == os.getsid(0)],
        "head": sorted(name for name, pid in head_processes()),
        "head runs": all(psutil.pid_exists(pid) for name, pid in head_processes()),
    }
finally:
    stop_ray()
print(json.dumps(told))
"""


def test_the_installed_ray_is_as_we_know_it() -> None:
    """If this fails, somebody has raised Ray: read docs/adr/0006 before adapting cluster/ray_internals.py."""
    assert run_program(CHECK, json.dumps(["pass"]))[0] == {"pass": []}


def test_a_ray_that_is_built_differently_is_told() -> None:
    """A name that has gone, takes other arguments or is no longer used is named: no patch without effect."""
    told, _ = run_program(CHECK, json.dumps(list(NEXT_RELEASES)))

    missed = {
        change: lines
        for change, lines in told.items()
        if not any(NEXT_RELEASES[change] in line for line in lines)
    }
    assert (len(told), missed) == (len(NEXT_RELEASES), {})


@pytest.mark.services
def test_what_we_replace_in_ray_has_its_effect() -> None:
    """Only the two servers we need run, out of our session, found as head processes; Ray prints nothing itself."""
    with tempfile.TemporaryDirectory(prefix="kr-") as folder:
        told, output = run_program(START, folder)

    assert told == {
        "started": ["gcs_server", "raylet"],
        "same session": [],
        "head": ["gcs_server", "raylet"],
        "head runs": True,
    }
    assert [
        line for line in output.splitlines() if "a word of Ray's" in line and "ray_says" not in line
    ] == []
