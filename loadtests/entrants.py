"""Who takes part in which case. Kaifan first: the others are shown as a ratio to it."""

from __future__ import annotations

from loadtests.backends import start_mongod, start_postgres, start_redis
from loadtests.peer_subjects import Fastify, Peer
from loadtests.subjects import Kaifan, Subject, Through

CLAIM, SOLD_OUT, STEADY, THROUGH = "claim", "sold-out", "steady", "through"
"""The names of the cases, as ``--case`` takes them (cases.py says what they ask)."""

NOOPS_BELOW_ASGI = {
    "no-op protocol": "loadtests.peers.noop_protocol:NoopProtocol",
    "no-op fast road": "loadtests.peers.noop_fast_road:NoopFastRoad",
}
"""uvicorn's protocol class with nothing around it, and ours with all that every request of the fast road pays for."""

FASTAPI_ROAD = {"KAIFAN_FAST_ROAD": "off"}
LANES = {"direct": "stream", "Ray": "calls"}
"""What the table calls a lane, and its KAIFAN_LANE."""


def all_subjects() -> list[Subject]:
    """Every subject, fresh and not started."""
    return [
        Kaifan("kaifan", silos=1, cases=(CLAIM, SOLD_OUT, STEADY)),
        Kaifan("kaifan (FastAPI road)", silos=1, settings=FASTAPI_ROAD, cases=(CLAIM, SOLD_OUT)),
        *_noops_below_asgi(),
        Peer("empty asgi", "none", "empty_asgi", remembers=False, cases=(CLAIM, SOLD_OUT)),
        Peer("no-op fastapi", "none", "noop_fastapi", remembers=False, cases=(CLAIM,)),
        Fastify("fastify + redis", "fsync", "", backend=start_redis, cases=(CLAIM, SOLD_OUT, STEADY)),
        *_redis_peers("asgi + redis", "asgi_redis"),
        *_redis_peers("fastapi + redis", "fastapi_redis"),
        Peer(
            "fastapi + asyncpg",
            "fsync",
            "fastapi_asyncpg",
            backend=start_postgres,
            packages=("asyncpg",),
            cases=(CLAIM,),
        ),
        Peer(
            "fastapi + neveroversell",
            "fsync",
            "fastapi_neveroversell",
            backend=start_postgres,
            packages=("neveroversell", "psycopg"),
            cases=(CLAIM,),
        ),
        Peer("fastapi + mongodb", "fsync-majority", "fastapi_mongo", backend=start_mongod, cases=(CLAIM,)),
        Peer("ray actor per request", "memory", "ray_actor", cases=(CLAIM,)),
        *_through_silos(),
    ]


def _noops_below_asgi() -> list[Subject]:
    both = (CLAIM, SOLD_OUT)
    return [
        Peer(name, "none", "empty_asgi", http=http, remembers=False, cases=both)
        for name, http in NOOPS_BELOW_ASGI.items()
    ]


def _redis_peers(name: str, app: str) -> list[Subject]:
    two_do = (CLAIM, SOLD_OUT, STEADY)
    return [
        Peer(f"{name} (1 worker)", "fsync", app, backend=start_redis, cases=(CLAIM,)),
        Peer(f"{name} (2 workers)", "fsync", app, workers=2, backend=start_redis, cases=two_do),
    ]


def _through_silos() -> list[Subject]:
    """For each lane one system of two silos, entered at the sale's owner and at the other silo."""
    subjects: list[Subject] = []
    for lane, setting in LANES.items():
        system = Kaifan(f"kaifan (2 silos, {lane} lane)", silos=2, settings={"KAIFAN_LANE": setting})
        owner = f"kaifan at the owner ({lane} lane)"
        subjects += [
            Through(owner, system, owner=True, cases=(THROUGH,)),
            Through(
                f"kaifan one hop ({lane} lane)",
                system,
                owner=False,
                cases=(THROUGH,),
                measured_against=owner,
            ),
        ]
    return subjects
