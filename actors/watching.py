"""Who lives and what is whose, as one silo sees it, and what it does about it: bury, inherit, take, hand over.

One look reads members and placement, and ends in at most one write to the placement. A silo that is *told* of an end
(the launcher saw the process go) does not look first: it marks the end, takes what it inherits, and activates what is
hot; two writes, then the tails.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Mapping
from typing import TYPE_CHECKING

import msgspec
import structlog

from actors.membership import ALIVE, ENDED, Member, StoreUnreachable, heirs
from actors.placement import Placement, inherit, release, shard_of
from actors.words import Accepted, Rejected, Reply

if TYPE_CHECKING:
    from actors.silo import Silo

RETRY_S = 0.3
LOOK_AT_MOST_EVERY_S = 0.02

log = structlog.get_logger("kaifan.silo")


class Watching:
    """Runs on the silo's loop as one of its tasks."""

    def __init__(self, silo: Silo) -> None:
        self._silo = silo
        self.members: list[Member] = []
        self._poked = asyncio.Event()
        self._told: set[str] = set()
        self._told_of_one = asyncio.Event()
        self._seen: dict[str, tuple[int, float]] = {}
        self._looked_at = 0.0
        self._releasing: set[int] = set()

    def poke(self) -> None:
        """Look now."""
        self._poked.set()

    def tell_ended(self, address: str) -> None:
        """That incarnation's process is gone for certain."""
        if address != self._silo.address:
            self._told.add(address)
            self._told_of_one.set()
            self._poked.set()

    async def run(self) -> None:
        """For ever: look when poked, at the latest after ``watch_every_s``; inherit when told."""
        while not self._silo.stopped:
            self._poked.clear()
            self._told_of_one.clear()
            try:
                if self._told:
                    await self._bury_told()
                else:
                    await self.look()
            except StoreUnreachable as outage:
                log.warning("cannot_look", silo=self._silo.address, reason=str(outage))
                await _set_within(self._told_of_one, RETRY_S)
            await _set_within(self._told_of_one, LOOK_AT_MOST_EVERY_S)
            await _set_within(self._poked, self._silo.settings.watch_every_s)

    async def look(self) -> None:
        """One look: who lives, what is whose, and what follows for us. Raises StoreUnreachable."""
        silo = self._silo
        self.members = await silo.stores.members.members()
        await self._bury()
        placement = await silo.stores.placement.read()
        self.see(placement)
        await silo.quarantining.look()
        if not silo.may_answer():
            return
        living = heirs(self.members, set(placement.owner))
        await self._take_role(placement, living)
        await self._arrange(silo.router.placement or placement, living)
        self._begin_release()
        if silo.member.spare:
            silo.following.choose(self.members, silo.router.placement or placement)
        else:
            silo.following.forget()

    # --- deaths --------------------------------------------------------------------------------------------

    async def _bury(self) -> None:
        """Declare dead whose beat stood still for the lease and 20 % more, on our own clock."""
        now = self._silo.clock.monotonic()
        # Our own health first: a loop that was blocked has not watched anybody (pitfall 8).
        watched = now - self._looked_at < self._silo.settings.lease_s / 2
        self._looked_at = now
        for member in self.members:
            if member.state == ENDED:
                self._silo.router.peer_ended(member.address)
                continue
            beat, since = self._seen.get(member.address, (-1, now))
            if beat != member.beat or not watched:
                self._seen[member.address] = (member.beat, now)
            elif self._overdue(member, now - since) and await self._mark_ended(member):
                member.state = ENDED
                self._silo.router.peer_ended(member.address)

    def _overdue(self, member: Member, silent_s: float) -> bool:
        silo = self._silo
        return member.address != silo.address and silent_s > silo.settings.lease_s * 1.2 and silo.may_answer()

    async def _mark_ended(self, member: Member) -> bool:
        log.warning("silo_seems_dead", silo=member.address, by=self._silo.address)
        return await self._silo.stores.members.mark_ended(member.name, member.incarnation, member.beat)

    async def _bury_told(self) -> None:
        """The ends we were told of, in two writes and without a read. Raises StoreUnreachable; tried again then."""
        silo, told, placement = self._silo, set(self._told), self._silo.router.placement
        log.info("told_of_an_end", silo=silo.address, ended=sorted(told))
        if not told <= {member.address for member in self.members}:
            self.members = await silo.stores.members.members()
        self.members = [
            msgspec.structs.replace(member, state=ENDED) if member.address in told else member
            for member in self.members
        ]
        ended = [member for member in self.members if member.address in told]
        living = heirs(self.members, set(placement.owner) if placement else ())
        if silo.address in living and placement is not None and silo.may_answer():
            # Nothing is taken before the end is written: a silo that was called dead by mistake stops by it.
            await asyncio.gather(
                *(silo.stores.members.mark_ended(gone.name, gone.incarnation, None) for gone in ended),
                self._take_role(placement, living),
            )
            await self._arrange(placement, living)
            self._activate([key for gone in ended for key in gone.hot] + list(silo.following.followed))
        for address in sorted(told):
            silo.router.peer_ended(address)
        self._told -= told
        self.poke()

    def _activate(self, hot: list[str]) -> None:
        """What most people wait for is loaded before the first of them asks again."""
        placement = self._silo.router.placement
        for key in dict.fromkeys(hot):
            if placement is not None and placement.owner[shard_of(key)] == self._silo.address:
                self._silo.host.wake(key, functools.partial(_say_ready, key))

    # --- roles ---------------------------------------------------------------------------------------------

    async def _take_role(self, placement: Placement, living: Mapping[str, str]) -> None:
        """A spare that is named for a vacant seat holds it from now on; of two holders, one becomes a spare."""
        silo, member = self._silo, self._silo.member
        if member.spare and silo.address in living:
            member.spare, member.seat = False, living[silo.address]
            silo.following.stop()
            log.warning("spare_stands_in", silo=silo.address, seat=member.seat)
            silo.on_stand_in()
            await silo.renew()
        elif not member.spare and self._is_superfluous(placement):
            member.spare, member.seat = True, ""
            log.info("seat_is_held", silo=silo.address)
            await silo.renew()

    def _is_superfluous(self, placement: Placement) -> bool:
        """We own nothing, and somebody else lives who holds our seat and has the better claim."""
        member, owners = self._silo.member, set(placement.owner)
        rivals = [
            other.address
            for other in self.members
            if other.state == ALIVE
            and not other.spare
            and other.held == member.held
            and other.name != member.name
        ]
        if member.state != ALIVE or not rivals or member.address in owners:
            return False
        return any(rival in owners or rival > member.address for rival in rivals)

    # --- placement -----------------------------------------------------------------------------------------

    def see(self, placement: Placement) -> None:
        """A placement that was read or written; later ones only."""
        silo = self._silo
        known = silo.router.placement
        if known is not None and placement.version <= known.version:
            return
        before = set(known.owned_by(silo.address)) if known else set()
        now = set(placement.owned_by(silo.address))
        silo.router.placement = placement
        if before - now:
            silo.host.handover.lose_shards(before - now)
        self._undrain_kept()

    def _undrain_kept(self) -> None:
        """What is ours and stays ours is decided for, also after a move that was called off half-way."""
        silo = self._silo
        placement = silo.router.placement
        if placement is not None and silo.host.handover.draining:
            kept = {shard for shard in placement.owned_by(silo.address) if not placement.next[shard]}
            silo.host.handover.undrain((kept & silo.host.handover.draining) - self._releasing)

    async def _arrange(self, placement: Placement, living: Mapping[str, str]) -> None:
        """Propose who is to own what, and take what waits for us."""
        silo = self._silo
        if silo.member.spare or not silo.may_answer():
            return
        draft = self._draft(placement, living)
        if draft is None:
            return
        if not await silo.stores.placement.swap(draft):
            self.poke()
            return
        gained = set(draft.owned_by(silo.address)) - set(placement.owned_by(silo.address))
        if gained:
            silo.meter.takeovers += len(gained)
            silo.host.handover.draining -= gained
            log.info("shards_taken", silo=silo.address, shards=len(gained), version=draft.version)
        self.see(draft)

    def _draft(self, placement: Placement, living: Mapping[str, str]) -> Placement | None:
        # Only who is *known* to have ended: a silo that registered after we read the members is not gone.
        ended = [member.address for member in self.members if member.state == ENDED]
        return inherit(placement, self._silo.address, living, ended)

    def _begin_release(self) -> None:
        silo = self._silo
        placement = silo.router.placement
        shards = set(placement.to_release(silo.address)) - self._releasing if placement else set()
        if shards:
            self._releasing |= shards
            silo.keep(asyncio.get_running_loop().create_task(self._release(shards)))

    async def _release(self, shards: set[int]) -> None:
        """Drain, then say so in the placement; a successor sees it and takes."""
        silo = self._silo
        try:
            await silo.host.handover.drain(shards)
            while not silo.stopped:
                try:
                    placement = await silo.stores.placement.read()
                    draft = release(placement, silo.address, shards)
                    if draft is None or await silo.stores.placement.swap(draft):
                        self.see(draft or placement)
                        return
                except StoreUnreachable:
                    await asyncio.sleep(RETRY_S)
        finally:
            self._releasing -= shards
            self._undrain_kept()
            self.poke()


def _say_ready(key: str, reply: Reply) -> None:
    log.info("entity_ready", entity=key, answered=isinstance(reply, Accepted | Rejected))


async def _set_within(event: asyncio.Event, timeout_s: float) -> None:
    """Wait until it is set, at most so long."""
    try:
        async with asyncio.timeout(timeout_s):
            await event.wait()
    except TimeoutError:
        return
