"""The benchmark command, with real servers and short rounds."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import psutil
import pytest

from loadtests import backends, generator, wrk
from loadtests.bench import Row, main, table
from loadtests.equipment import Missing

ROOT = Path(__file__).parents[2]
FIELDS_OF_THE_CONTRACT = {
    "case",
    "subject",
    "durability",
    "rounds",
    "rate_median",
    "rate_min",
    "rate_max",
    "p50_ms",
    "p99_ms",
    "errors",
    "correct",
}


@pytest.mark.services
@pytest.mark.parametrize("load", ["--own-load", "wrk where it is there"])
def test_rows_are_written_and_an_overselling_subject_is_marked(load: str, tmp_path: Path) -> None:
    """Cases run for two subjects; the no-op server oversells, is marked for it and not left out."""
    out = tmp_path / "rows.json"
    words = ["--rounds=2", "--seconds=0.4", "--connections=8", "--case=claim", "--case=sold-out"]
    words += ["--subject=no-op protocol", "--subject=fastapi + redis (2", f"--out={out}"]

    code = main([*words, load] if load.startswith("--") else words)

    rows = msgspec.json.decode(out.read_bytes())
    assert code == 0
    assert all(set(row) >= FIELDS_OF_THE_CONTRACT for row in rows)
    assert {(row["case"], row["subject"]): row["correct"] for row in rows} == {
        ("flash claim", "no-op protocol"): False,
        ("flash claim", "fastapi + redis (2 workers)"): True,
        ("sold out", "no-op protocol"): False,
        ("sold out", "fastapi + redis (2 workers)"): True,
    }
    own = load == "--own-load" or not wrk.name()
    for row in rows:
        assert row["rounds"] == 2
        assert 0 < row["rate_min"] <= row["rate_median"] <= row["rate_max"]
        assert 0 < row["p50_ms"] <= row["p99_ms"]
        assert row["errors"] == 0
        assert row["generator"] == (generator.NAME if own else wrk.name())


@pytest.mark.services
def test_a_steady_load_is_a_share_of_the_maximum_and_has_no_ratio(tmp_path: Path) -> None:
    """Claims become due at 70 % of what the warm-up made; rates are then no ground for a comparison."""
    out = tmp_path / "rows.json"
    words = ["--rounds=1", "--seconds=0.5", "--connections=8", "--case=steady", "--subject=asgi + redis (2"]

    assert main([*words, f"--out={out}"]) == 0

    [row] = msgspec.json.decode(out.read_bytes())
    assert row["case"] == "flash claim at 70 % of the maximum"
    assert row["correct"]
    assert row["ratio_to_kaifan"] is None
    assert row["rate_median"] <= row["offered"] * 1.1


def test_software_that_is_not_here_leaves_its_subject_out_with_a_word(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """No PostgreSQL is no failure of the bench: it says so, and whose rows are not there."""

    def none() -> Path:
        raise Missing("no PostgreSQL; apt-get install postgresql")

    monkeypatch.setattr(backends, "postgres_folder", none)
    out = tmp_path / "rows.json"

    main(["--subject", "fastapi + neveroversell", "--case", "claim", "--out", str(out)])

    assert "left out: fastapi + neveroversell: no PostgreSQL" in capsys.readouterr().out
    assert msgspec.json.decode(out.read_bytes()) == []


@pytest.mark.services
@pytest.mark.parametrize("asked", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_bench_leaves_no_server_behind(asked: signal.Signals, tmp_path: Path) -> None:
    """Ctrl-C in the middle of a round ends everything that was started, and the temporary folder goes."""
    command = [
        sys.executable,
        "-m",
        "loadtests.bench",
        "--case",
        "claim",
        "--connections",
        "8",
        "--seconds",
        "60",
    ]
    command += ["--subject", "fastapi + redis (2", "--out", str(tmp_path / "rows.json")]
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    bench = subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    try:
        assert bench.stdout is not None
        for line in bench.stdout:  # the case's title is printed when all servers are ready
            if line.startswith(b"flash claim"):
                break
        started = psutil.Process(bench.pid).children(recursive=True)
        assert len(started) >= 4, "redis, uvicorn and its two workers"

        bench.send_signal(asked)
        bench.wait(timeout=60)
    finally:
        bench.kill()
        bench.wait()
        bench.stdout.close()

    _, alive = psutil.wait_procs(started, timeout=10)
    assert alive == []
    assert list(tmp_path.glob("kbench-*")) == []


def test_an_unknown_subject_is_refused(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """A typing mistake must not look like an empty success."""
    assert main(["--subject", "fastappi", "--out", str(tmp_path / "rows.json")]) == 2

    assert "fastapi + redis (1 worker)" in capsys.readouterr().err
    assert not (tmp_path / "rows.json").exists()


def test_the_table_shows_ratios_to_kaifan_and_kaifan_as_a_share_of_the_no_op() -> None:
    """A ratio has its spread, and Kaifan is set against the ceiling of its stack."""

    def row(subject: str, rate: float, ratio: float, *, correct: bool = True) -> Row:
        return Row(
            case="flash claim",
            subject=subject,
            durability="none",
            rounds=1,
            rate_median=rate,
            rate_min=rate,
            rate_max=rate,
            p50_ms=1,
            p99_ms=2,
            errors=0,
            correct=correct,
            connections=64,
            acknowledged=1,
            ratio_to_kaifan=ratio,
            ratio_min=ratio - 0.1,
            ratio_max=ratio + 0.1,
            audit="yes",
            generator="g",
            machine="m",
        )

    text = table([row("kaifan", 4000, 1.0), row("no-op fastapi", 8000, 2.0, correct=False)])

    assert "1.90–2.10" in text
    assert "kaifan reaches 50 % of no-op fastapi" in text
    assert [line.split()[-1] for line in text.splitlines() if line.startswith(("kaifan ", "no-op"))][:2] == [
        "yes",
        "NO",
    ]


def test_a_subject_that_does_not_start_is_named_and_fails_the_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that ends at once is reported with its own words, and the others' rows are still written."""
    monkeypatch.setenv("PEER_REDIS_POOL", "not a number")
    started = time.monotonic()

    code = main(["--subject", "fastapi + redis (1", "--rounds", "1", "--out", str(tmp_path / "rows.json")])

    said = capsys.readouterr().out
    assert code == 1
    assert "left out:" in said
    assert "not a number" in said
    assert time.monotonic() - started < 30, "it waited for a server that had ended"
