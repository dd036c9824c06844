"""Kaifan's runtime: entities with hot state in memory and durable events. See README.md in this folder."""

from actors.entity import (
    Decision,
    Entity,
    Instant,
    answers,
    decides,
    evolves,
    reacts,
    upcasts,
    upcasts_state,
    wakes,
)
from actors.turn import Turn
from actors.words import Accepted, Command, Event, Query, Rejected, Rejection, Reply, Send, Unserved, Wake

__all__ = [
    "Accepted",
    "Command",
    "Decision",
    "Entity",
    "Event",
    "Instant",
    "Query",
    "Rejected",
    "Rejection",
    "Reply",
    "Send",
    "Turn",
    "Unserved",
    "Wake",
    "answers",
    "decides",
    "evolves",
    "reacts",
    "upcasts",
    "upcasts_state",
    "wakes",
]
