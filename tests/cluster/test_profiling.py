"""``kaifan profile``: a picture, and costs that add up to what the process used."""

from __future__ import annotations

import socket
import tempfile
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cluster.profiling import LOOP, MEANING, ORDER, OTHERS, Samples, costs, find_py_spy, part_of, read_samples
from tests.cluster.running import Running, demo_of, kaifan, running

LOOP_THREAD, OTHER_THREAD = 7, 8
PIPELINED = 100
ENTRY = "run (/x/threading.py)"


def line(thread: int, *frames: str, count: int = 1) -> str:
    """One line as py-spy writes it."""
    return f"thread ({thread}): name;{';'.join((ENTRY, *frames))} {count}"


@pytest.mark.parametrize(
    ("frames", "part"),
    [
        (["FastProtocol.on_header (/x/api/fast_protocol.py)"], "parse"),
        (["FastProtocol.data_received (/x/api/protocol.py)", "Door.admit (/x/api/door.py)"], "auth"),
        (["Door.admit (/x/api/door.py)", "Buckets.take (/x/api/limits.py)"], "limits"),
        (["claim (/x/api/diner/flash_sales.py)", "Router.submit (/x/actors/router.py)"], "route"),
        (["EntityHost._turn (/x/actors/host.py)", "decide (/x/flash_sale/actor.py)"], "decide"),
        (
            ["Committer._fly (/x/actors/committer.py)", "send (/x/pymongo/pool.py)", "pack (/x/struct.py)"],
            "commit",
        ),
        (["HotCycle.done (/x/api/fast_road.py)", "body_of (/x/api/endpoint.py)"], "encode"),
        (
            ["HotCycle.done (/x/api/fast_road.py)", "FastProtocol._write_hot (/x/api/fast_protocol.py)"],
            "write",
        ),
        (["Endpoint.count (/x/api/endpoint.py)"], "count and log"),
        (["Starlette.__call__ (/x/starlette/applications.py)"], "ASGI and FastAPI"),
        (["decide (/x/flash_sale/actor.py)", "ClusterClock.now_ms (/x/actors/clock.py)"], "decide"),
        (["select (/x/selectors.py)"], LOOP),
    ],
)
def test_a_sample_belongs_to_the_innermost_part_of_the_road(frames: list[str], part: str) -> None:
    """What a part calls in the standard library or in a driver is its own cost."""
    assert part_of([ENTRY, *frames]) == part
    assert part in MEANING


def test_only_the_thread_that_serves_requests_is_shared_out() -> None:
    """Other threads sleep in the same samples; the one found on the road is the loop's, and its waiting is told."""
    samples = read_samples(
        [
            line(LOOP_THREAD, "Buckets.take (/x/api/limits.py)", count=3),
            line(LOOP_THREAD, count=7),
            line(OTHER_THREAD, "sleep (/x/ray/worker.py)", count=500),
            "not a stack",
            "",
        ]
    )

    assert samples == Samples(LOOP_THREAD, Counter({"limits": 3}), 10)


def test_nothing_recorded_is_no_cost() -> None:
    """A silo that ended at once gives an empty table and no division by zero."""
    assert read_samples([]).ticks == 0
    assert [cost.us for cost in costs(read_samples([]), {}, 10.0, 0)] == []


@given(
    counts=st.dictionaries(st.sampled_from([part for part in ORDER if part != LOOP]), st.integers(1, 500)),
    waiting=st.integers(0, 2_000),
    loop_s=st.floats(0.01, 10.0),
    others_s=st.floats(0.0, 10.0),
    requests=st.integers(1, 100_000),
)
def test_costs_add_up_to_what_the_process_used(
    counts: dict[str, int], waiting: int, loop_s: float, others_s: float, requests: int
) -> None:
    """On an idle machine or a busy one: shares add up to one, µs to the processor time, none is below zero."""
    samples = Samples(LOOP_THREAD, Counter(counts), sum(counts.values()) + waiting)

    shared = costs(samples, {LOOP_THREAD: loop_s, OTHER_THREAD: others_s}, 10.0, requests)

    assert sum(cost.share for cost in shared) == pytest.approx(1)
    assert sum(cost.us for cost in shared) * requests / 1e6 == pytest.approx(loop_s + others_s)
    assert all(cost.us > 0 for cost in shared)
    assert {cost.part for cost in shared} <= {*ORDER, OTHERS}


@pytest.fixture(scope="module")
def system() -> Iterator[Running]:
    find_py_spy()
    with (
        pytest.MonkeyPatch.context() as environment,
        tempfile.TemporaryDirectory(prefix="kprof-") as folder,
    ):
        environment.setenv("KAIFAN_LIMIT_EXEMPT", "127.0.0.0/8")
        with running(Path(folder) / "data", "--demo", "--silos", "1") as started:
            yield started


@pytest.mark.services
def test_a_silo_under_load_is_pictured_and_its_costs_are_told(system: Running, tmp_path: Path) -> None:
    """The command ends with a flame graph of our own functions, and a table of µs per request."""
    picture = tmp_path / "silo.svg"
    sale = demo_of(system.data)["flash_sales"][0]
    looks = f"GET /api/v1/flash-sales/{sale} HTTP/1.1\r\nHost: x\r\n\r\n".encode() * PIPELINED

    with ThreadPoolExecutor(1) as pool, socket.create_connection(("127.0.0.1", system.port), 30) as client:
        command = pool.submit(
            kaifan, "profile", "silo-0", "--seconds", "2", "--out", str(picture), data=system.data
        )
        while not command.done():
            client.sendall(looks)  # many at once: this process is to need little of the machine
            answered = b""
            while answered.count(b"HTTP/1.1 ") < PIPELINED:
                answered += client.recv(1_000_000)
        code, said = command.result()

    assert code == 0, said
    assert ElementTree.parse(picture).getroot().tag.endswith("svg")
    assert "api/" in picture.read_text()
    told = dict(
        row.split()[:1] + row.split()[2:3] for row in said.splitlines() if row.startswith((" parse", " all"))
    )
    assert float(told["parse"]) > 0
    assert float(told["all"]) > float(told["parse"])


@pytest.mark.services
def test_a_silo_that_is_not_there_is_refused_with_those_that_are(system: Running) -> None:
    """A typing mistake is answered with the names that exist."""
    code, said = kaifan("profile", "silo-7", data=system.data)

    assert code == 1
    assert "There is no silo silo-7" in said
    assert "silo-0" in said
