"""The runtime's numbers. Every one has a unit, a default, and a word on what breaks when it is wrong."""

from __future__ import annotations

import msgspec

from actors.membership import LEASE_S, RENEW_EVERY_S


class RuntimeSettings(msgspec.Struct, kw_only=True, frozen=True):
    """Bounds and times of one silo (seconds, bytes, counts)."""

    lease_s: float = LEASE_S
    """How long a silo may answer without renewing. Longer: slower take-over. Shorter: pauses suspend the silo."""
    renew_every_s: float = RENEW_EVERY_S
    watch_every_s: float = 1.0
    """How often membership and placement are read when nobody pokes. Must be below half a lease: a silo that
    looks less often thinks that it slept, and buries nobody."""
    mailbox_max: int = 1_024
    """Commands that wait for one entity's turn; above it ``overloaded``."""
    queue_max: int = 20_000
    """Commands of all entities of a silo without an answer yet; above it ``overloaded``."""
    follow_every_s: float = 0.05
    """How often a spare reads what the hottest entities have committed. Longer: more to read at a take-over."""
    turn_warn_s: float = 0.25
    turn_max_s: float = 2.0
    """Wall time after which a turn is called endless and the process ends."""
    activations_at_once: int = 64
    activation_bytes_at_once: int = 256_000_000
    entities_max: int = 100_000
    """Entities in memory; above it the least recently used idle ones are passivated."""
    idle_s: float = 300.0
    memory_bytes_max: int = 0
    """Resident memory above which new commands get 503; 0 = not watched."""
    snapshot_every: int = 5_000
    """Events after which a snapshot is made; of a long history, a twentieth of it."""
    snapshot_in_worker_from: int = 5_000
    """Events from which on an entity's snapshots are made in a process of their own. Below, starting one costs more
    than it saves; far above, making one here stops the loop for too long."""
    sends_retried_s: float = 20 * 3_600
    """A send without an answer for so long is parked with an alarm."""
    document_bytes_max: int = 900_000
    """Events and answers of one entity in one journal document."""
    due_per_look: int = 500
    """Reminders fetched at once."""
    look_for_reminders_s: float = 1.0
