"""Where a silo's time goes: a flame graph, and what one request costs in each part of its road.

py-spy looks into the running process from outside; nothing in the silo is switched on, and nothing is stopped. The
table comes from the same kind of samples: everything that serves requests runs on one thread, each sample of it
belongs to the part of the road whose function is innermost in its stack, and the thread's processor time is shared
out by their number.
"""

from __future__ import annotations

import asyncio
import re
import shutil
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil

from cluster.embedded.failure import EmbeddedFailure

SAMPLES_PER_SECOND = 250
SPARE_S = 30.0
"""Beyond the time of the recording, for py-spy to start and to write its file."""

PARTS: tuple[tuple[str, str], ...] = (
    ("write", r"(answer_hot|_write_hot|resume_writing) \(|Outlet\.\w+ \(|\b(post|flush) \(.*/fast_road"),
    ("limits", r"/api/(shared_)?limits\.py"),
    ("auth", r"/api/(door|tokens|addresses|audiences)\.py|/jwt/|/flash_sale/entry\.py|\bcommand_id \("),
    ("count and log", r"/(api|actors)/metering\.py|/api/access_log\.py|/structlog/|Endpoint\.count \("),
    ("ASGI and FastAPI", r"(Endpoint|Resource)\.(__call__|_outcome|_send)|RequestResponseCycle"),
    ("encode", r"\b(settle|body_of|_raw|default_head|done|decoded|_claimed) \(.*/api/"),
    ("encode", r"/api/(views|moments|problems)\.py"),
    (
        "parse",
        r"/api/(protocol|fast_protocol|whole_request|fast_road|bodies|ids)\.py|\b(__init__|read|check) \(.*/api/",
    ),
    ("parse", r"HttpToolsProtocol"),
    ("commit", r"/actors/(committer|journal|doubt)\.py|/actors/on_mongo/|/pymongo/|/bson/"),
    ("lanes", r"/actors/(lanes|courier)\.py|/actors/on_(ray|stream)/|/cluster/silo_actor\.py"),
    ("route", r"/actors/(router|host|placement|sweeper)\.py|/api/"),
    ("decide", r"/actors/(?!clock)|/(flash_sale|store_runtime|brand|group_buy)/"),
    ("ASGI and FastAPI", r"/(starlette|fastapi|uvicorn)/"),
)
"""Part, and what a frame ``function (file)`` of it looks like: the first that fits, from the innermost frame out."""

LOOP = "event loop"
OTHERS = "other threads"
ROAD = ("parse", "auth", "limits", "route", "decide", "commit", "encode", "write")
ORDER = tuple(dict.fromkeys((*ROAD, *dict(PARTS), LOOP)))
MEANING = {
    "parse": "bytes to a request: head, body, route",
    "auth": "token, client's address, command id",
    "limits": "token buckets",
    "route": "from the handler to the entity, and the gate that holds its reply",
    "decide": "the entity's turn: decide, evolve, react",
    "commit": "this request's share of the group commit: document, driver",
    "encode": "the answer's body and head",
    "write": "to the socket",
    "count and log": "metrics, access log",
    "lanes": "to and from other silos",
    "ASGI and FastAPI": "scope, task, messages, routing; not on the fast road",
    LOOP: "polling, reading sockets, timers, tasks",
    OTHERS: "Ray, the drivers' own, the watchdog",
}

_THREAD = re.compile(r"thread \((\d+)\):")
_FITS = tuple((part, re.compile(pattern)) for part, pattern in PARTS)


@dataclass(frozen=True)
class Cost:
    """One part of the road: its share of the process' processor time, 0 to 1, and µs of it per request."""

    part: str
    share: float
    us: float


@dataclass(frozen=True)
class Profile:
    """What was recorded of one silo. ``cpu_s`` is the process' processor time meanwhile."""

    seconds: float
    requests: int
    cpu_s: float
    samples: int
    costs: tuple[Cost, ...]

    @property
    def us_per_request(self) -> float:
        return self.cpu_s * 1e6 / self.requests if self.requests else 0.0


@dataclass(frozen=True)
class Samples:
    """Samples of the loop's thread by part; ``ticks`` also counts those in which it waited."""

    thread: int
    parts: Counter[str]
    ticks: int


def find_py_spy() -> str:
    """Beside this Python, or on PATH. Raises EmbeddedFailure."""
    beside = Path(sys.executable).with_name("py-spy")
    found = str(beside) if beside.exists() else shutil.which("py-spy")
    if found is None:
        raise EmbeddedFailure("py-spy is not installed.", "pip install py-spy, or put one on PATH.")
    return found


async def record(pid: int, port: int, seconds: int, picture: Path) -> Profile:
    """Record one silo twice for ``seconds``: first the flame graph, then what the table is made of.

    Args:
        pid: the silo's process.
        port: its own HTTP port, which counts its requests.
        picture: where the flame graph goes (SVG).
    Raises:
        EmbeddedFailure: no py-spy, no right to look into the process, or the process has ended.
    """
    # Only who holds the interpreter: threads that wait would fill the picture.
    await _spy(pid, seconds, picture, "--format", "flamegraph", "--gil")
    stacks = picture.with_suffix(".stacks")
    try:
        process = psutil.Process(pid)
        requests, cpu = await _requests(port), _cpu_by_thread(process)
        await _spy(
            pid, seconds, stacks, "--format", "raw", "--nolineno", "--full-filenames", "--threads", "--idle"
        )
        requests = await _requests(port) - requests
        used = {thread: s - cpu.get(thread, 0.0) for thread, s in _cpu_by_thread(process).items()}
        samples = read_samples(stacks.read_text().splitlines())
    except psutil.Error as error:
        raise EmbeddedFailure(
            f"The silo with pid {pid} has ended.", "`kaifan status` has the living."
        ) from error
    finally:
        stacks.unlink(missing_ok=True)
    shared_out = costs(samples, used, seconds, requests)
    return Profile(seconds, requests, sum(used.values()), samples.ticks, shared_out)


def costs(samples: Samples, used: Mapping[int, float], seconds: float, requests: int) -> tuple[Cost, ...]:
    """Each part's processor time.

    A sample stands for the same span of time. On a busy machine the thread did not run in all of them: then the
    parts together get what the thread used, and no more. What they leave of it is the event loop's own.

    Args:
        used: seconds of processor time by thread.
    """
    loop_s = used.get(samples.thread, 0.0)
    in_parts = samples.parts.total()
    tick_s = min(seconds / max(samples.ticks, 1), loop_s / max(in_parts, 1))
    by_part = {part: samples.parts[part] * tick_s for part in ORDER}
    by_part[LOOP] = loop_s - in_parts * tick_s
    by_part[OTHERS] = sum(used.values()) - loop_s
    total = sum(by_part.values())
    return tuple(
        Cost(part, cpu_s / total, cpu_s * 1e6 / requests if requests else 0.0)
        for part, cpu_s in by_part.items()
        if cpu_s > 0
    )


def read_samples(lines: Iterable[str]) -> Samples:
    """Samples from collapsed stacks, ``thread (id): name;outermost;…;innermost count`` per line.

    The loop's thread is the one that is found most often on the road.
    """
    parts: defaultdict[int, Counter[str]] = defaultdict(Counter)
    for line in lines:
        stack, _, number = line.rpartition(" ")
        if thread := _THREAD.match(stack):
            parts[int(thread[1])][part_of(stack.split(";")[1:])] += int(number)
    if not parts:
        return Samples(0, Counter(), 0)
    thread_id, counts = max(parts.items(), key=lambda row: (row[1].total() - row[1][LOOP], row[1].total()))
    ticks = counts.total()
    del counts[LOOP]
    return Samples(thread_id, counts, ticks)


def part_of(stack: list[str]) -> str:
    """The part of the road that a stack is in; the innermost frame that fits decides.

    >>> part_of(["run (/x/asyncio/runners.py)", "take (/x/api/limits.py)"])
    'limits'
    """
    for frame in reversed(stack):
        for part, fits in _FITS:
            if fits.search(frame):
                return part
    return LOOP


def _cpu_by_thread(process: psutil.Process) -> dict[int, float]:
    """Seconds of processor time by thread; threads that have ended are not in it."""
    return {thread.id: thread.user_time + thread.system_time for thread in process.threads()}


async def _requests(port: int) -> int:
    """How many HTTP requests the silo has answered, its metrics' own not counted."""
    async with httpx.AsyncClient() as http:
        try:
            answer = await http.get(f"http://127.0.0.1:{port}/metrics", timeout=10)
        except httpx.HTTPError as error:
            raise EmbeddedFailure(
                f"The silo on port {port} does not show its metrics: {error!r}",
                "`kaifan doctor` looks closer.",
            ) from error
    if answer.status_code == 429:
        raise EmbeddedFailure(
            "The silo's limit per address is used up here, by the load, so it does not show its metrics.",
            "Send the load from another address, or start with KAIFAN_LIMIT_EXEMPT=127.0.0.0/8.",
        )
    if answer.status_code != 200:
        raise EmbeddedFailure(
            f"The silo on port {port} answered {answer.status_code} for its metrics.",
            "`kaifan doctor` looks closer.",
        )
    lines = (line for line in answer.text.splitlines() if line.startswith("kaifan_http_requests_total{"))
    return sum(int(float(line.rpartition(" ")[2])) for line in lines if 'route="/metrics"' not in line)


async def _spy(pid: int, seconds: int, file: Path, *options: str) -> None:
    command = [find_py_spy(), "record", "--pid", str(pid), "--duration", str(seconds), "--output", str(file)]
    # Nonblocking: to stop all threads for each sample costs the silo time (30 µs a claim where it was tried), and its
    # lease is at stake. The price is that some samples cannot be read, and are dropped.
    command += ["--rate", str(SAMPLES_PER_SECOND), "--nonblocking", *options]
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        async with asyncio.timeout(seconds + SPARE_S):
            said, _ = await process.communicate()
    except TimeoutError:
        raise EmbeddedFailure(f"py-spy did not end within {seconds + SPARE_S:.0f} s.", "Try again.") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        words = " ".join(said.decode(errors="replace").split())[-300:]
        if "No stack counts" in words:
            raise EmbeddedFailure("The silo did nothing meanwhile.", "Put load on it, or look for longer.")
        raise EmbeddedFailure(
            f"py-spy could not look into process {pid}: {words}",
            "It needs the right to trace: run this as the user that runs Kaifan, or as root.",
        )
