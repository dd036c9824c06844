"""The load from ``wrk``, with a script for claims: fast enough that the subject is measured, and not its client.

wrk counts; it keeps no answer. Rounds whose every answer is audited are driven by ``loadtests/generator.py``.
"""

from __future__ import annotations

import asyncio
import re
import secrets
import subprocess
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from loadtests import equipment
from loadtests.generator import Target
from loadtests.wire import ConnectionBroken

SCRIPT = Path(__file__).with_name("claims.lua")
ANSWER_SECONDS_MAX = 10


class WrkFailed(ConnectionBroken):
    """wrk ended without its figures; the message holds what it said."""


class Tally(msgspec.Struct, frozen=True):
    """What wrk counted within its time. Percentiles are of all answers, in µs."""

    duration_us: int
    statuses: dict[str, int]
    sold_out: int
    broken: int
    p50_us: int
    p99_us: int

    @property
    def answers(self) -> int:
        return sum(self.statuses.values())


def name() -> str:
    """wrk with its version, for the result file; '' where there is none."""
    binary = equipment.wrk()
    if binary is None:
        return ""
    said = subprocess.run([binary, "-v"], capture_output=True, text=True, check=False)
    version = re.search(r"wrk \S*?(\d+(?:\.\d+)+)", said.stdout + said.stderr)
    return f"wrk {version[1] if version else ''} -t1 (loadtests/claims.lua)"


async def claims(target: Target, *, connections: int, seconds: float) -> Tally:
    """Claim from ``connections`` connections for ``seconds``, rounded up to whole ones: wrk knows no others.

    Raises:
        WrkFailed: the server cannot be reached, or wrk ended early.
    """
    binary = equipment.wrk()
    assert binary is not None, "ask name() first"
    whole = max(1, -int(-seconds // 1))
    with tempfile.NamedTemporaryFile("w", suffix=".tokens") as tokens:
        tokens.writelines(f"{diner.token}\n" for diner in target.diners)
        tokens.flush()
        command = [binary, "-t1", f"-c{connections}", f"-d{whole}s", "--timeout", f"{ANSWER_SECONDS_MAX}s"]
        command += ["-s", str(SCRIPT), target.base_url, "--", tokens.name, urlsplit(target.base_url).netloc]
        command += [f"/api/v1/flash-sales/{target.flash_sale_id}/claims", secrets.token_hex(4)]
        process = await asyncio.create_subprocess_exec(
            *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
        )
        try:
            said, _ = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
    figures = [line for line in said.splitlines() if line.startswith(b'{"duration_us"')]
    if process.returncode or not figures:
        raise WrkFailed(
            f"wrk ended with {process.returncode}: {said.decode(errors='replace').strip()[-300:]}"
        )
    return msgspec.json.decode(figures[0], type=Tally)
