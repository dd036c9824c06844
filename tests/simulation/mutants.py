"""Bugs planted on purpose: how other runtimes failed, one class each. The simulation must catch every one.

The numbers are those of docs/reliability.md, which names where each was seen.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import msgspec

from actors.activation import Activation, Pending, Phase
from actors.activator import Activator
from actors.codec import SendRecord, Unreadable
from actors.committer import Committer
from actors.courier import Courier
from actors.doubt import Doubt
from actors.entity_memory import EntityMemory
from actors.host import EntityHost
from actors.journal import Document, InDoubt, Outcome
from actors.membership import StoreUnreachable
from actors.parts import Segmented
from actors.placement import Placement, copy, inherit
from actors.reminding import Reminding
from actors.silo import Silo
from actors.snapshots import Manifest
from actors.turns import Taken
from actors.watching import Watching
from actors.words import Command, Query, Rejected, Reply
from flash_sale.edge import Board, Edge
from flash_sale.projections import SoldOutNotice
from flash_sale.rejections import SoldOut
from tests.simulation.sales import Edges, Sales
from tests.simulation.stream_mutants import STREAM_MUTANTS


# 1: a duplicate key by our own earlier write is called fenced, and the client is told that it failed.
class _NeverOurs(Doubt):
    def is_ours(self, document: Document, standing: Document) -> bool:
        return False


class _TellsFailure(EntityHost):
    doubt_class = _NeverOurs

    def _settled(self, activation: Activation, standing: Document | None) -> None:
        if standing is not None:
            for gate in activation.gated:
                self.reply(gate.pending, Rejected("commit_failed", 409, "", "", {}, standing.last_seq))
        super()._settled(activation, standing)


class OwnWriteCalledFenced(Silo):
    host_class = _TellsFailure


# 2: a time-out is taken as a failure, and the batch is written again under the next sequence.
class _RetriesBlindly(Committer):
    def _land(self, activation: Activation, document: Document, outcome: Outcome) -> None:
        if isinstance(outcome, InDoubt):
            again = msgspec.structs.replace(document, first_seq=document.last_seq + 1, nonce=b"again")
            self._parked(activation)
            self._spawn(asyncio.get_running_loop().create_task(self._again(activation, again)))
            return
        super()._land(activation, document, outcome)

    async def _again(self, activation: Activation, document: Document) -> None:
        await self._journal.append([document])
        self._settled(activation, None)


class _RetryingHost(EntityHost):
    committer_class = _RetriesBlindly


class TimeOutTakenAsFailure(Silo):
    host_class = _RetryingHost


# 2 again: a time-out is taken as a success.
class _Hopes(Doubt):
    async def settle(self, document: Document) -> Document | None:
        return None


class _HopefulHost(EntityHost):
    doubt_class = _Hopes


class DoubtCalledStored(Silo):
    host_class = _HopefulHost


# 3: the outcome of a group commit is taken as one.
class _AllOrNothing(Committer):
    async def _append(self, group: list[Activation], documents: list[Document]) -> None:
        outcomes = await self._journal.append(documents)
        for activation, document in zip(group, documents, strict=True):
            self._land(activation, document, outcomes[0])


class _AtomicHost(EntityHost):
    committer_class = _AllOrNothing


class GroupCommitCalledAtomic(Silo):
    host_class = _AtomicHost


# 5: reads are answered without a lease.
class AnswersWithoutLease(Silo):
    def may_answer(self) -> bool:
        return not self.stopped


# 6: the next owner does not wait for the release.
class _TakesEagerly(Watching):
    def _draft(self, placement: Placement, living: Mapping[str, str]) -> Placement | None:
        eager = copy(placement)
        for shard, following in enumerate(eager.next):
            if following == self._silo.address:
                eager.released[shard] = True
        return super()._draft(eager, living)


class TakesWithoutRelease(Silo):
    watching_class = _TakesEagerly


# 7: what waits when a shard moves is dropped.
class _Drops(EntityHost):
    def bounce(self, pending: Pending) -> None:
        if pending.callback is not None:
            pending.callback = None
            self.pending_count -= 1


class DropsAtHandOver(Silo):
    host_class = _Drops


# 8: a silo that a successor has marked ended goes on.
class ComesBackFromTheDead(Silo):
    async def renew(self) -> bool:
        sent_at = self.clock.monotonic()
        try:
            await self.stores.members.renew(self.member)
        except StoreUnreachable:
            return False
        self.lease.renewed(sent_at)
        self.host.resume()
        return True


# 9: a hand-over waits for an owner that is gone.
class _WaitsForRelease(Watching):
    def _draft(self, placement: Placement, living: Mapping[str, str]) -> Placement | None:
        return inherit(placement, self._silo.address, living, [])


class WaitsForTheDead(Silo):
    watching_class = _WaitsForRelease


# 10: reminders that were due before the start are never fired.
class _OnlyTheFuture(Reminding):
    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._born = self._host.clock.now_ms()

    async def _look(self) -> bool:
        mine = self._mine()
        due = await self._store.due(self._host.clock.now_ms(), mine, 500) if mine else []
        for reminder in due:
            if reminder.at >= self._born:
                self._host.wake(reminder.entity)
        return False


class ForgetsPastDueReminders(Silo):
    reminding_class = _OnlyTheFuture


# 10 again: the commit does not wait for its reminder row.
class _RowOrNot(Committer):
    async def _write_reminders(self, group: list[Activation]) -> list[Activation]:
        return group


class _RowlessHost(EntityHost):
    committer_class = _RowOrNot


class CommitsWithoutReminder(Silo):
    host_class = _RowlessHost


# 11: queues without bounds.
class UnboundedQueues(Silo):
    def _make_host(self) -> EntityHost:
        host = super()._make_host()
        host.settings = msgspec.structs.replace(host.settings, mailbox_max=10**9, queue_max=10**9)
        return host


# 12: a fail-over loads everything at once.
class _LoadsAll(Activator):
    def _start_some(self) -> None:
        settings = self._host.settings
        self._host.settings = msgspec.structs.replace(settings, activations_at_once=10**9)
        super()._start_some()
        self._host.settings = settings


class _StormyHost(EntityHost):
    activator_class = _LoadsAll


class RecoveryStorm(Silo):
    host_class = _StormyHost


# 13: a poisonous command holds its entity for ever.
class _Stuck(EntityHost):
    def _after_turn(self, activation: Activation, pending: Pending, outcome: Reply | Taken) -> None:
        if outcome is Taken.BROKEN:
            activation.phase = Phase.PARKED
            return
        super()._after_turn(activation, pending, outcome)


class PoisonHoldsTheKey(Silo):
    host_class = _Stuck


# 6 (guarantee): a no to a send is forgotten, and a late copy accepted after the sender has undone it.
class _ForgetsNo(Courier):
    def _send(self, activation: Activation, record: SendRecord, word: Command | Query) -> None:
        submit = self.submit
        assert submit is not None

        def forgetful(entity: str, word: Command | Query, **how: Any) -> None:
            submit(entity, word, **{**how, "final_no": False})

        self.submit = forgetful
        super()._send(activation, record, word)
        self.submit = submit


class _ForgetfulHost(EntityHost):
    courier_class = _ForgetsNo


class ForgetsItsNo(Silo):
    host_class = _ForgetfulHost


# A segment is called sealed while it still changes, and a snapshot gives back what it was before.
class _SealsTooEarly(Activator):
    async def replay(self, memory: EntityMemory, until_seq: int | None) -> None:
        segments = memory.state.segments() if isinstance(memory.state, Segmented) else []
        sealed = [(segment, segment.part) for segment in segments]
        await super().replay(memory, until_seq)
        for segment, part in sealed:
            segment.part = part


class _SealsTooEarlyHost(EntityHost):
    activator_class = _SealsTooEarly


class SealsTooEarly(Silo):
    host_class = _SealsTooEarlyHost


# A part that the manifest names and nobody finds is taken for an empty one.
class _GoesOnWithoutParts(Activator):
    async def _read_parts(self, memory: EntityMemory, manifest: Manifest) -> None:
        for number, part in enumerate(manifest.parts):
            raws = await self._snapshots.parts(memory.key, [part])
            if number < manifest.head:
                if raws is None:
                    raise Unreadable("no head")
                memory.restore_head(manifest, raws)
            elif raws is not None:
                for _ in memory.restore_part(manifest, number, raws[0]):
                    await asyncio.sleep(0)


class _GoesOnHost(EntityHost):
    activator_class = _GoesOnWithoutParts


class GoesOnWithoutParts(Silo):
    host_class = _GoesOnHost


# F9: the edge's notice counts from when it was heard, and for longer than stock that comes back is held back.
class _BelievesForLong(Board):
    def take(self, notice: SoldOutNotice, asked_at: float) -> None:
        super().take(notice, asked_at)
        self.good_until += 0.4


class _GullibleEdge(Edge[SoldOut]):
    board_class = _BelievesForLong


class _GullibleEdges(Edges):
    edge_class = _GullibleEdge


class EdgeBelievesForLong(Sales):
    edges_class = _GullibleEdges


# F9: the edge refuses also those who have claimed.
class _KnowsNobody(Board):
    def knows(self, user_id: str) -> bool:
        return False


class _RudeEdge(Edge[SoldOut]):
    board_class = _KnowsNobody


class _RudeEdges(Edges):
    edge_class = _RudeEdge


class EdgeKnowsNobody(Sales):
    edges_class = _RudeEdges


EDGE_MUTANTS: dict[str, type[Sales]] = {
    "F9 the edge believes a notice for long": EdgeBelievesForLong,
    "F9 the edge knows nobody": EdgeKnowsNobody,
}


# Take-over: the copy that a spare followed is taken for the entity, without what was committed after its last look.
class _TrustsItsCopy(Activator):
    async def _rebuild(self, activation: Activation) -> None:
        followed = self.copies(activation.key)
        if followed is None:
            await super()._rebuild(activation)
        else:
            activation.memory, activation.snapshot_seq = followed.memory, followed.snapshot_seq


class _TrustingHost(EntityHost):
    activator_class = _TrustsItsCopy


class TrustsTheFollowedCopy(Silo):
    host_class = _TrustingHost


MUTANTS: dict[str, type[Silo]] = {
    "1 own write called fenced": OwnWriteCalledFenced,
    "2 time-out taken as failure and retried": TimeOutTakenAsFailure,
    "2 doubt called stored": DoubtCalledStored,
    "3 group commit called atomic": GroupCommitCalledAtomic,
    "5 answers without a lease": AnswersWithoutLease,
    "6 takes without release": TakesWithoutRelease,
    "7 drops what waits at a hand-over": DropsAtHandOver,
    "8 comes back from the dead": ComesBackFromTheDead,
    "9 waits for the dead": WaitsForTheDead,
    "10 forgets past-due reminders": ForgetsPastDueReminders,
    "10 commits without its reminder": CommitsWithoutReminder,
    "11 unbounded queues": UnboundedQueues,
    "12 recovery storm": RecoveryStorm,
    "a no to a send is forgotten": ForgetsItsNo,
    "seals a segment that still changes": SealsTooEarly,
    "goes on without a missing part": GoesOnWithoutParts,
    "a spare trusts its copy without the tail": TrustsTheFollowedCopy,
    "13 poison holds the key": PoisonHoldsTheKey,
} | STREAM_MUTANTS
