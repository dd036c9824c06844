"""The lane over Ray, in a Ray of its own in another process: what is received, and what counts as down."""

from __future__ import annotations

import tempfile

import pytest

from tests.cluster.running import run_program

pytestmark = pytest.mark.services

PROGRAM = """
import asyncio, json, sys, time
from pathlib import Path
from cluster.ray_runtime import NAMESPACE, close_ray_to_others, start_ray, stop_ray

close_ray_to_others()
import ray
from actors.lanes import LaneDown
from actors.on_ray import RayTransport, transport

start_ray(Path(sys.argv[1]), 4, Path(sys.argv[1]) / "ray.log")
transport.SEND_TIMEOUT_S = 1.0


class Receiver:
    def __init__(self):
        self.batches = []

    async def receive(self, batch):
        if batch == b"slow":
            await asyncio.sleep(30)
        self.batches.append(batch)
        return batch != b"for another"

    async def received(self):
        return [batch.decode() for batch in self.batches]


def start(name):
    actor = ray.remote(num_cpus=0, max_concurrency=10)(Receiver)
    return actor.options(name=name, namespace=NAMESPACE).remote()


def start_when_free(name, deadline):
    while True:
        try:
            return start(name)
        except ValueError:  # the name is the dead one's until Ray has noticed
            assert time.monotonic() < deadline, "waited 20 s for: the name is free"
            time.sleep(0.05)


async def outcome(lanes, receiver, batch):
    began = time.monotonic()
    landed = asyncio.get_running_loop().create_future()
    lanes.send(receiver, batch, landed.set_result)
    down = await landed
    if down is None:
        return "received"
    assert isinstance(down, LaneDown)
    return "down at once" if time.monotonic() - began < 0.9 else "down in time"


async def main():
    lanes = RayTransport(NAMESPACE)
    silo = start("silo-0")
    told = {}
    told["to a silo"] = await outcome(lanes, "silo-0#1", b"hello")
    told["twice"] = await outcome(lanes, "silo-0#1", b"again")
    told["to another incarnation"] = await outcome(lanes, "silo-0#1", b"for another")
    told["to nobody"] = await outcome(lanes, "silo-9#1", b"hello")
    told["to a silo that is silent"] = await outcome(lanes, "silo-0#1", b"slow")
    told["and later"] = await outcome(lanes, "silo-0#1", b"later")
    told["it has"] = await silo.received.remote()
    ray.kill(silo)
    told["to a dead one"] = await outcome(lanes, "silo-0#1", b"hello")
    successor = start("silo-0")  # kept: without a handle Ray ends it
    deadline = time.monotonic() + 20
    while await outcome(lanes, "silo-0#2", b"hello") != "received":
        assert time.monotonic() < deadline, "waited 20 s for: the lane finds the successor"
    told["to its successor"] = "received"
    ray.kill(successor)
    third = start_when_free("silo-0", deadline)
    await third.received.remote()  # it is there
    told["to the third, with the handle of the second"] = await outcome(lanes, "silo-0#3", b"hello")
    told["the third has"] = await third.received.remote()
    print(json.dumps(told))


try:
    asyncio.run(main())
finally:
    stop_ray()
"""


def test_a_lane_says_received_or_down() -> None:
    """A batch is received once or the lane is down: gone, silent, restarted; never an error of Ray's."""
    with tempfile.TemporaryDirectory(prefix="kr-") as folder:
        told, _ = run_program(PROGRAM, folder)

    assert told == {
        "to a silo": "received",
        "twice": "received",
        "to another incarnation": "down at once",
        "to nobody": "down at once",
        "to a silo that is silent": "down in time",
        "and later": "received",
        "it has": ["hello", "again", "for another", "later"],
        "to a dead one": told["to a dead one"],
        "to its successor": "received",
        "to the third, with the handle of the second": "received",
        "the third has": ["hello"],
    }
    # Ray may have started its successor by then: who refuses what is for an earlier incarnation is the silo.
    assert told["to a dead one"].startswith(("down", "received"))
