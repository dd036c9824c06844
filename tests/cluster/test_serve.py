"""``kaifan serve`` from a newcomer's chair: start, claim, look, stop; and what a killed run leaves to the next."""

from __future__ import annotations

import contextlib
import os
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from cluster.ray_runtime import short_folder
from tests.cluster.running import KAIFAN, Running, claim, demo_of, guest, kaifan, running, shown, wait_for

pytestmark = pytest.mark.services

CURL = """#!{python}
import sys, urllib.request
words = sys.argv[1:]
headers, method, body, url = {{}}, "GET", None, ""
while words:
    word = words.pop(0)
    if word == "-X":
        method = words.pop(0)
    elif word == "-H":
        name, _, value = words.pop(0).partition(": ")
        headers[name] = value
    elif word == "-d":
        body = words.pop(0).encode()
    elif not word.startswith("-"):
        url = word
print(urllib.request.urlopen(urllib.request.Request(url, body, headers, method=method)).read().decode())
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    """A data folder of its own."""
    with tempfile.TemporaryDirectory(prefix="ks-") as path:
        yield Path(path) / "data"


@pytest.fixture(scope="module")
def system() -> Iterator[Running]:
    """Two silos and the demo, for the tests that only look."""
    with tempfile.TemporaryDirectory(prefix="ks-") as path:
        data = Path(path) / "data"
        with running(data, "--demo", "--silos", "2") as started:
            yield started


# --- a newcomer ----------------------------------------------------------------------------------------------


def test_demo_json_is_for_its_owner_and_says_what_was_promised(system: Running) -> None:
    """Mode 0600, every account, a sale that is open with stock left."""
    file = system.data / "demo.json"
    demo = demo_of(system.data)

    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert demo["base_url"] == system.base_url
    roles = {account["username"]: account["roles"] for account in demo["accounts"]}
    assert roles == {name: [name] for name in ("owner", "manager", "waiter", "cook", "cashier", "ops")}
    assert demo["group_buys"] == []
    assert [len(store["tables"]) for store in demo["stores"]] == [20, 8, 10]
    with system.http() as http:
        sale = http.get(f"/api/v1/flash-sales/{demo['flash_sales'][0]}").json()
        assert sale["phase"] == "open"
        assert sale["left"] > 0
        menu = http.get(f"/api/v1/stores/{demo['stores'][0]['store_id']}/menu").json()
        assert len(menu["dishes"]) >= 60


def test_silos_of_one_machine_speak_over_streams(system: Running) -> None:
    """What the demo sent from silo to silo opened a stream in each direction; its socket is the user's own."""
    sale = demo_of(system.data)["flash_sales"][0]

    def carried_by_streams() -> bool:
        # Connections spread over both silos, so that one of each few requests hops.
        for _ in range(4):
            with system.http() as http:
                assert http.get(f"/api/v1/flash-sales/{sale}").status_code in (200, 503)
        _, table = kaifan("status", data=system.data)
        return table.count("1 stream") == 2

    wait_for("`kaifan status` says that both lanes are streams", carried_by_streams, 60)
    sockets = list(short_folder(system.data.resolve()).glob("lane-silo-*.sock"))
    assert sorted(file.name for file in sockets) == ["lane-silo-0.sock", "lane-silo-1.sock"]
    assert {stat.S_IMODE(file.stat().st_mode) for file in sockets} == {0o600}


def test_the_accounts_of_the_welcome_log_in(system: Running) -> None:
    """Each password that is printed is the one in demo.json and works."""
    with system.http() as http:
        for account in demo_of(system.data)["accounts"]:
            assert account["password"] in system.output
            answer = http.post(
                "/api/v1/auth/staff",
                json={"username": account["username"], "password": account["password"]},
            )
            assert answer.status_code == 200, answer.text


def test_the_curl_of_the_welcome_claims(system: Running, tmp_path: Path) -> None:
    """The printed lines, pasted into a shell, hold a bowl of noodles."""
    curl = tmp_path / "curl"
    curl.write_text(CURL.format(python=sys.executable))
    curl.chmod(0o755)
    begin = next(i for i, line in enumerate(system.lines) if "Claim a bowl" in line) + 1
    script = "\n".join(system.lines[begin : begin + 4])

    path = f"{tmp_path}:{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", script], env={**os.environ, "PATH": path}, capture_output=True, text=True, check=True
    )

    assert '"status":"held"' in done.stdout, done.stdout + done.stderr


def test_every_silo_answers_on_its_own_port(system: Running) -> None:
    """GET /ops/silos names port and pid of each; whichever is asked, the claim reaches the sale's owner."""
    demo = demo_of(system.data)
    ops = next(account for account in demo["accounts"] if account["username"] == "ops")
    with system.http() as http:
        login = {"username": "ops", "password": ops["password"]}
        token = http.post("/api/v1/auth/staff", json=login).json()["token"]
        silos = http.get("/api/v1/ops/silos", headers={"Authorization": f"Bearer {token}"}).json()["items"]

    assert len({silo["pid"] for silo in silos}) == len({silo["port"] for silo in silos}) == 2
    assert sum(silo["shards"] for silo in silos) == 1_024
    for silo in silos:
        with httpx.Client(base_url=f"http://127.0.0.1:{silo['port']}", timeout=10) as http:
            answer = claim(http, demo["flash_sales"][0], guest(http), "own-port")
            assert answer.status_code == 201, answer.text
            assert answer.headers["kaifan-silo"] == silo["silo"].partition("#")[0]


def test_metrics_carry_the_names_that_dashboards_use(system: Running) -> None:
    """Commands, commit size and latency, mailbox depth, activations, hand-overs and rejects are there."""
    with system.http() as http:
        text = http.get("/metrics").text

    for name in (
        "kaifan_actors_commands_total",
        "kaifan_actors_commit_seconds_bucket",
        "kaifan_actors_commit_documents_bucket",
        "kaifan_actors_mailbox_depth",
        "kaifan_actors_activations_total",
        "kaifan_actors_handovers_total",
        "# TYPE kaifan_actors_rejects_total counter",
    ):
        assert name in text


# --- an operator ---------------------------------------------------------------------------------------------


def test_status_and_doctor_look_at_the_running_system(system: Running) -> None:
    """Two silos own everything between them, and nothing is to be mended."""
    rows = _silos(system)
    assert [row["silo"].partition("#")[0] for row in rows] == ["silo-0", "silo-1"]
    assert sum(int(row["shards"]) for row in rows) == 1_024

    code, health = kaifan("doctor", data=system.data)
    assert code == 0, health
    assert f"Kaifan runs at {system.base_url}" in health
    assert "✗" not in health


def test_replay_and_audit_read_a_running_system(system: Running) -> None:
    """The sale's history with its claims, and a journal without a violation."""
    sale = demo_of(system.data)["flash_sales"][0]
    with system.http() as http:
        claim_id = claim(http, sale, guest(http), "replayed").json()["claim_id"]

    code, story = kaifan("replay", f"flash-sale/{sale}", data=system.data)
    assert code == 0, story
    assert f"claim_id={claim_id}" in story
    assert "seed=(hidden)" in story

    words = f"{KAIFAN} replay flash-sale/{sale} --data-dir {system.data} | head -n 1; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", words], capture_output=True, text=True, check=True)
    assert (done.stdout.splitlines()[-1], done.stderr) == ("0", "")

    code, account = kaifan("replay", "staff-account/owner", "--at", "1", data=system.data)
    assert code == 0, account
    assert "argon2" not in account

    code, report = kaifan("audit", data=system.data)
    assert code == 0, report
    assert report.strip().endswith("violations=0")


def test_demo_again_gives_the_same_restaurant(system: Running) -> None:
    """While its sale can be claimed from, nothing changes."""
    before = demo_of(system.data)

    code, output = kaifan("demo", data=system.data)

    assert code == 0, output
    assert before["flash_sales"][0] in output
    after = demo_of(system.data)
    assert (after["accounts"], after["flash_sales"]) == (before["accounts"], before["flash_sales"])


def test_a_second_system_on_the_same_folder_or_port_is_told(system: Running, folder: Path) -> None:
    """One clear message with the way out, exit code 1, no stack trace."""
    code, output = kaifan("serve", "--port", "1", data=system.data)
    assert code == 1
    assert shown(output, r"Another Kaifan \(process \d+\) runs on")
    assert "Traceback" not in output

    code, output = kaifan("serve", "--port", str(system.port), data=folder)
    assert code == 1
    assert f"Port {system.port} on 127.0.0.1 cannot be used" in output
    assert "→" in output
    assert "Traceback" not in output


def test_growing_and_shrinking_keeps_every_claim(system: Running) -> None:
    """A third silo takes its share and gives it back; the same key has the same answer all the time."""
    sale = demo_of(system.data)["flash_sales"][0]
    with system.http() as http:
        headers = guest(http)
        first = claim(http, sale, headers, "kept").json()["claim_id"]
        for silos in ("3", "2"):
            code, output = kaifan("scale", silos, data=system.data)
            assert code == 0, output
            assert claim(http, sale, headers, "kept").json()["claim_id"] == first
    assert kaifan("audit", data=system.data)[0] == 0


def test_a_killed_silo_is_told_and_comes_back(system: Running) -> None:
    """The launcher says so; the same key has the same answer; the silo is there again with its share."""
    sale = demo_of(system.data)["flash_sales"][0]
    with system.http() as http:
        headers = guest(http)
        first = claim(http, sale, headers, "killed").json()["claim_id"]
        victim = next(row for row in _silos(system) if row["silo"].startswith("silo-1#"))
        os.kill(int(victim["pid"]), signal.SIGKILL)
        assert claim(http, sale, headers, "killed").json()["claim_id"] == first

    def is_back() -> bool:
        return all(
            row.get("shards", "0") != "0" and row.get("state") == "alive" and row["pid"] != victim["pid"]
            for row in _silos(system)
        )

    wait_for("two silos with a share each, one of them new", is_back, 60)
    assert f"silo-1 (process {victim['pid']}) ended by itself" in system.output


def _silos(system: Running) -> list[dict[str, str]]:
    """The rows of ``kaifan status``."""
    code, output = kaifan("status", data=system.data)
    assert code == 0, output
    names = ("silo", "pid", "state", "shards")
    rows = [line.split() for line in output.splitlines() if line.strip().startswith("silo-")]
    return [dict(zip(names, row, strict=False)) for row in rows]


# --- stop, kill, start again ---------------------------------------------------------------------------------


@pytest.fixture
def leftovers() -> Iterator[list[psutil.Process]]:
    """Processes that a killed launcher leaves, ended whatever the test found out."""
    processes: list[psutil.Process] = []
    yield processes
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()


def test_data_survive_ctrl_c_and_a_killed_launcher(folder: Path, leftovers: list[psutil.Process]) -> None:
    """Claim, Ctrl-C, start, kill -9 the launcher, start: the claim is there, and nothing is left running."""
    with running(folder, "--demo", "--silos", "1") as first:
        sale = demo_of(folder)["flash_sales"][0]
        with first.http() as http:
            headers = guest(http)
            held = claim(http, sale, headers, "kept").json()
        everybody = first.everybody()
        assert first.press_ctrl_c() == 0
        assert _alive(everybody) == [], first.output
        assert "Traceback" not in first.output

    with running(folder, "--demo", "--silos", "1", port=first.port) as second:
        with second.http() as http:
            assert claim(http, sale, headers, "kept").json() == held
        everybody = second.everybody()
        servers = {process.pid for process in everybody if process.name() in {"mongod", "valkey-server"}}
        leftovers += everybody
        second.send(signal.SIGKILL)

    code, report = kaifan("audit", data=folder)
    assert code == 0, report
    assert _alive([process for process in everybody if process.pid in servers]) == []

    with running(folder, "--demo", "--silos", "1", port=first.port) as third:
        assert _alive(everybody) == [], third.output
        with third.http() as http:
            assert claim(http, sale, headers, "kept").json() == held
        everybody = third.everybody()
        assert third.send(signal.SIGTERM) == 0
        assert _alive(everybody) == []


def _runs(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _alive(processes: list[psutil.Process]) -> list[str]:
    """Who is left after a moment's grace for the kernel."""
    _, alive = psutil.wait_procs(processes, timeout=3)
    return [f"{process.pid} {process.name()}" for process in alive if _runs(process)]
