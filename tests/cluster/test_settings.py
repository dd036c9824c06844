"""Settings say what they do, and a wrong one is refused by its name."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from pydantic import ValidationError

from cluster.embedded import EmbeddedFailure
from cluster.plan import lane_port
from cluster.settings import SECRET_BYTES, Settings, as_failure, secret_key, split
from tests.cluster.running import kaifan


def test_every_setting_says_what_it_does() -> None:
    """A setting without a word on it would be a riddle."""
    for name, field in Settings.model_fields.items():
        assert field.description, f"KAIFAN_{name.upper()} has no description"


def test_the_command_prints_all_of_them_and_no_secret() -> None:
    """``kaifan settings`` shows names, values and words, but neither keys nor addresses with passwords."""
    secret, uri = "s3cret" * 8, "mongodb://user:pass@db/"

    code, output = kaifan(
        "settings", env={"KAIFAN_SECRET_KEY": secret, "KAIFAN_MONGO_URI": uri, "KAIFAN_PORT": "8123"}
    )

    assert code == 0, output
    for name in Settings.model_fields:
        assert f"KAIFAN_{name.upper()} = " in output
    assert "KAIFAN_PORT = 8123" in output
    assert secret not in output
    assert "user:pass" not in output


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("port", 70_000),
        ("port", "eight"),
        ("limit_exempt", "10.0.0.0/8,everybody"),
        ("trusted_proxies", "10.0.0.1/99"),
        ("secret_key", "short"),
        ("log_share", 2),
        ("lane", "pigeons"),
        ("lane_tls_key", "/nowhere/key.pem"),
    ],
)
def test_a_wrong_value_is_refused_by_the_settings_name(name: str, value: object) -> None:
    """The message names the setting and the way out, and does not repeat a secret."""
    with pytest.raises(ValidationError) as caught:
        Settings(**{name: value})

    failure = as_failure(caught.value)
    assert f"KAIFAN_{name.upper()}" in failure.what
    assert failure.how
    assert "short" not in failure.what


def test_half_a_tls_is_refused(tmp_path: Path) -> None:
    """Lanes without TLS where somebody gave a certificate would be open without a word."""
    file = tmp_path / "cert.pem"
    file.touch()

    with pytest.raises(ValidationError) as caught:
        Settings(lane_tls_cert=str(file), lane_tls_key=str(file))

    assert "KAIFAN_LANE_TLS_CA" in as_failure(caught.value).what
    assert Settings(lane_tls_cert=str(file), lane_tls_key=str(file), lane_tls_ca=str(file)).lane_tls_ca


def test_every_seat_has_a_port_of_its_own() -> None:
    """64 silos and their spares; 0 lets the system choose."""
    seats = [f"{seat}-{number}" for seat in ("silo", "spare") for number in range(64)]

    assert len({lane_port(seat, 7_000) for seat in seats}) == len(seats)
    assert {lane_port(seat, 0) for seat in seats} == {0}


def test_a_wrong_environment_ends_the_command_without_a_stack_trace() -> None:
    """Exit code 1, one message."""
    code, output = kaifan("status", env={"KAIFAN_PORT": "eight"})

    assert code == 1
    assert "The setting KAIFAN_PORT cannot be 'eight'" in output
    assert "Traceback" not in output


def test_the_secret_is_made_once_and_is_its_owners(tmp_path: Path) -> None:
    """A second start reads the same key; an empty file is half a write and is made again."""
    settings = Settings(data_dir=tmp_path)

    first = secret_key(settings)

    file = tmp_path / "secret_key"
    assert secret_key(settings) == first
    assert len(bytes.fromhex(first)) == SECRET_BYTES
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    file.write_text("")
    assert secret_key(settings) not in ("", first)


def test_lists_are_separated_by_commas() -> None:
    """Blanks and empty parts do not count."""
    assert split(" 10.0.0.0/8, ,127.0.0.0/8,") == ("10.0.0.0/8", "127.0.0.0/8")


def test_a_failure_says_what_and_how() -> None:
    """Both are in its text, for a log."""
    assert str(EmbeddedFailure("It rains.", "Take an umbrella.")) == "It rains.\n  → Take an umbrella."
