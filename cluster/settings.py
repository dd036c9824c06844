"""Every setting of Kaifan: environment ``KAIFAN_*`` or ``.env``. ``kaifan settings`` prints them."""

from __future__ import annotations

import ipaddress
import os
import secrets
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from cluster.embedded.failure import EmbeddedFailure

SECRET_BYTES = 32


class Settings(BaseSettings):
    """Typed; a wrong value is refused at the start with its name."""

    model_config = SettingsConfigDict(env_prefix="KAIFAN_", env_file=".env", extra="ignore")

    host: str = Field(
        "127.0.0.1", description="Address to listen on. Anything but loopback needs HTTPS in front of it."
    )
    port: int = Field(8000, ge=1, le=65535, description="TCP port of the HTTP service.")
    data_dir: Path = Field(
        Path("data"),
        description="Folder of embedded servers, logs and the secret key. Losing it loses the data.",
    )
    silos: int = Field(
        0,
        ge=0,
        le=64,
        description="Silo processes; 0: the cores less one, at least 1. More than cores slows down.",
    )
    spares: int = Field(
        0,
        ge=0,
        le=8,
        description="Processes that follow the hottest entities, to stand in at once. Each takes part of a core.",
    )
    mongo_uri: str = Field(
        "", description="MongoDB replica set; empty: an embedded mongod in the data folder."
    )
    mongo_database: str = Field("kaifan", description="Database name. Two systems must not share one.")
    redis_uri: str = Field("", description="Redis; empty: an embedded one. Without it limits are per silo.")
    amqp_uri: str = Field("", description="RabbitMQ; empty: effects are handled in process.")
    secret_key: str = Field(
        "",
        description="Signs tokens and keys command ids; empty: made once and kept in the data folder.",
    )
    limit_exempt: str = Field(
        "",
        description="Networks (CIDR, comma-separated) without limits per address; load tests: 127.0.0.0/8.",
    )
    trusted_proxies: str = Field(
        "", description="Networks whose X-Forwarded-For counts. Too wide: anybody can fake an address."
    )
    simulated_channel: bool = Field(
        True, description="The simulated payment channel. Switch off where real money is taken."
    )
    fast_road: bool = Field(
        True,
        description="Hot routes are answered by the HTTP protocol; off: everything goes through FastAPI.",
    )
    log_share: float = Field(
        1.0, ge=0, le=1, description="Share of requests that get a log line. Server errors always do."
    )
    lane: Literal["stream", "calls"] = Field(
        "stream",
        description="How silos speak to each other: streams with Ray calls behind them, or Ray calls only (slower).",
    )
    lane_host: str = Field(
        "",
        description="Address at which silos of other machines reach ours; empty: unix sockets on this machine only.",
    )
    lane_port: int = Field(
        0,
        ge=0,
        le=65_000,
        description="TCP port of silo-0's lane, silo-1 has the next one, and so on; 0: any. Unused without a host.",
    )
    lane_tls_cert: str = Field(
        "",
        description="PEM certificate for lanes over TCP. Without TLS others on the network can read and change them.",
    )
    lane_tls_key: str = Field("", description="PEM key of that certificate, without a password.")
    lane_tls_ca: str = Field(
        "",
        validate_default=True,
        description="PEM certificates that sign the certificates of all machines.",
    )
    lease_s: float = Field(
        5.0,
        gt=0.5,
        le=60,
        description="Seconds a silo may answer without renewing its lease. Longer: slower take-over.",
    )
    mailbox_max: int = Field(
        1_024, ge=1, description="Commands waiting for one entity; above it 503 overloaded."
    )
    queue_max: int = Field(
        20_000, ge=1, description="Commands without an answer per silo; above it 503 overloaded."
    )
    idle_s: float = Field(300, ge=0, description="Seconds after which an idle entity leaves memory.")
    snapshot_every: int = Field(5_000, ge=10, description="Events between snapshots of an entity.")
    memory_mb_max: int = Field(
        0, ge=0, description="Resident MB of a silo above which new commands get 503; 0: not watched."
    )
    turn_max_s: float = Field(
        2.0, ge=0.5, description="Seconds after which a turn is endless and its process ends."
    )

    @field_validator("limit_exempt", "trusted_proxies")
    @classmethod
    def _are_networks(cls, text: str) -> str:
        for network in split(text):
            ipaddress.ip_network(network, strict=False)
        return text

    @field_validator("lane_tls_cert", "lane_tls_key", "lane_tls_ca")
    @classmethod
    def _is_a_file(cls, path: str) -> str:
        if path and not Path(path).is_file():
            raise ValueError("there is no such file")
        return path

    @field_validator("lane_tls_ca")
    @classmethod
    def _is_whole(cls, ca: str, info: ValidationInfo) -> str:
        """Validated last: half a TLS would be none without a word."""
        given = {bool(ca), *(bool(info.data.get(name)) for name in ("lane_tls_cert", "lane_tls_key"))}
        if len(given) > 1:
            raise ValueError("KAIFAN_LANE_TLS_CERT, _KEY and _CA are given together or not at all")
        return ca

    @field_validator("secret_key")
    @classmethod
    def _is_long_enough(cls, key: str) -> str:
        if key and len(key.encode()) < SECRET_BYTES:
            raise ValueError(f"at least {SECRET_BYTES} bytes, or empty")
        return key

    def silo_count(self) -> int:
        """Silos to start."""
        return self.silos or max(1, (os.cpu_count() or 1) - 1)


def split(text: str) -> tuple[str, ...]:
    """A comma-separated setting as a tuple."""
    return tuple(part.strip() for part in text.split(",") if part.strip())


def as_failure(error: ValidationError) -> EmbeddedFailure:
    """A setting that cannot be used, by its name."""
    wrong = error.errors()[0]
    name = str(wrong["loc"][0])
    value = "this" if name == "secret_key" else repr(str(wrong["input"]))
    return EmbeddedFailure(
        f"The setting KAIFAN_{name.upper()} cannot be {value}: {wrong['msg'].removeprefix('Value error, ')}.",
        f"{Settings.model_fields[name].description} `kaifan settings` shows all of them.",
    )


def secret_key(settings: Settings) -> str:
    """The secret of this system: given, or made at the first start and kept with mode 0600."""
    if settings.secret_key:
        return settings.secret_key
    file = settings.data_dir / "secret_key"
    if not file.exists() or not file.read_text().strip():
        fresh = file.with_suffix(".new")
        fresh.unlink(missing_ok=True)
        handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w") as opened:
            opened.write(secrets.token_hex(SECRET_BYTES))
        # Whole or not at all: half a key would sign tokens that nobody accepts after the next start.
        fresh.replace(file)
    return file.read_text().strip()
