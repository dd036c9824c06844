"""Watching entities: what each commit changes reaches every screen that follows, in order and without a gap.

An entity that can be followed numbers what its screens show (``seq``, part of its state) and answers for what
happened after any of them. The host tells the hub when a batch of a followed entity takes off; the hub asks the
entity once, and because of the output gate the answer comes with the commit, at once and never before. The same
bytes then go to all who follow. Whoever follows on a silo that does not own the entity hears of it by a fan-out
(``actors/on_redis``), which may lose anything: a gap in ``seq`` is fetched from the entity, and silence is broken by
asking from time to time.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections.abc import Callable

import structlog

from actors.clock import Clock
from actors.feeds import FanOut, Feed, Followed, Follower, Language, News, Submit
from actors.words import Accepted, Rejected, Reply

ASK_DEADLINE_S = 2.0
ASKED_AT_ONCE = 64
LOOK_EVERY_S = 0.1
POLL_S = 0.5
"""Between two questions while the fan-out is lost, or the entity could not be asked."""

RARE_POLL_S = 5.0
"""The same while all is well: a lost message that no other follows is noticed by then."""

WANTED_S = 15.0
"""Another silo's wish is forgotten unless it is repeated."""

FEEDS_MAX = 50_000

log = structlog.get_logger("kaifan.live")


class Hub:
    """All that is followed on one silo. Belongs to the silo's one loop; :meth:`run` must run there."""

    def __init__(
        self,
        *,
        host: Followed,
        submit: Submit,
        owner: Callable[[str], str],
        version: Callable[[], int],
        address: str,
        clock: Clock,
        language: Language,
        random: Callable[[], float],
    ) -> None:
        self._followed = host.followed
        host.on_departure = self._moved
        self._submit = submit
        self._owner = owner
        self._version = version
        self._seen_version = -1
        self._address = address
        self._clock = clock
        self._language = language
        self._random = random
        self.fan_out: FanOut | None = None
        self.feeds: dict[str, Feed] = {}
        self._plans: list[tuple[float, int, Feed]] = []
        self._numbers = itertools.count()
        self._asking = 0
        self._waiting: dict[Feed, None] = {}
        self._something = asyncio.Event()
        self.asked = 0
        self.told = 0

    # --- followers -----------------------------------------------------------------------------------------

    def follow(self, entity: str, follower: Follower) -> None:
        """From now on the follower is told what happens after its ``seq``, each piece once and in order."""
        feed = self._feed(entity, follower.seq)
        feed.followers[follower] = None
        self._adjust(feed)
        if follower.seq < feed.seq:
            self._serve(feed, follower)
        if len(feed.followers) == 1 or follower.seq > feed.seq:
            self._ask(feed)

    def unfollow(self, entity: str, follower: Follower) -> None:
        """It wants no more; also where it never followed."""
        feed = self.feeds.get(entity)
        if feed is not None and feed.followers.pop(follower, follower) is None and not feed.followers:
            self._adjust(feed)
            self._drop_unwanted(feed)

    def resume(self, entity: str, follower: Follower) -> None:
        """It reads again."""
        feed = self.feeds.get(entity)
        if feed is not None and follower in feed.followers:
            self._serve(feed, follower)

    def seq_of(self, entity: str) -> int:
        """The newest that this silo knows of."""
        feed = self.feeds.get(entity)
        return feed.seq if feed is not None else 0

    # --- what the fan-out tells ------------------------------------------------------------------------------

    def wanted(self, entity: str, seq: int) -> None:
        """A follower of another silo has everything up to ``seq``."""
        known = entity in self.feeds
        if not known and len(self.feeds) >= FEEDS_MAX:
            return
        feed = self._feed(entity, seq)
        feed.wanted_until = self._clock.monotonic() + WANTED_S
        if not self._home(feed):
            if not feed.followers and seq > feed.seq:
                feed.forget(seq)
            return
        if not known or seq > feed.seq:
            self._ask(feed)
        elif seq < feed.seq:
            self._publish_after(feed, seq)

    def heard(self, entity: str, news: News) -> None:
        """What the owner published."""
        feed = self.feeds.get(entity)
        if feed is None or not feed.followers or news.seq <= feed.seq:
            return
        self._learn(feed, news, heard=True)

    def subscribed(self, entity: str) -> None:
        """From now on it is heard; what happened before must be asked for."""
        feed = self.feeds.get(entity)
        if feed is not None and feed.followers:
            self._ask(feed)

    def cut(self) -> None:
        """The fan-out is lost: entities of other silos are asked until it is back."""
        for feed in self.feeds.values():
            if feed.followers and not self._home(feed):
                self._plan(feed, POLL_S * self._random())

    # --- the entity ------------------------------------------------------------------------------------------

    def _moved(self, entity: str) -> None:
        """A batch of it has taken off: what it changes is asked now and answered when it has landed."""
        feed = self.feeds.get(entity)
        if feed is not None and (feed.followers or feed.wanted_until > self._clock.monotonic()):
            self._ask(feed, at_once=True)

    def _ask(self, feed: Feed, at_once: bool = False) -> None:
        if feed.asking:
            feed.again = True
            return
        if self._asking >= ASKED_AT_ONCE and not at_once:
            self._waiting[feed] = None
            return
        feed.asking, feed.again = True, False
        self._waiting.pop(feed, None)
        self._asking += 1
        self.asked += 1
        self._submit(
            feed.entity,
            self._language.question(feed.seq),
            command_id=b"",
            deadline=self._clock.monotonic() + ASK_DEADLINE_S,
            callback=lambda reply: self._answered(feed, reply),
        )

    def _answered(self, feed: Feed, reply: Reply) -> None:
        feed.asking = False
        self._asking -= 1
        if self.feeds.get(feed.entity) is feed:
            match reply:
                case Accepted(answer=answer):
                    feed.failing = False
                    self._learn(feed, self._language.news(answer))
                    if feed.again:
                        self._ask(feed)
                case Rejected() as no:
                    self._end(feed, no)
                case _:
                    feed.failing = True
                    self._plan(feed, POLL_S * (0.5 + self._random()))
        while self._waiting and self._asking < ASKED_AT_ONCE:
            self._ask(next(iter(self._waiting)))

    def _end(self, feed: Feed, no: Rejected) -> None:
        for follower in list(feed.followers):
            follower.gone(no)
        feed.followers.clear()
        feed.wanted_until = 0.0
        self._adjust(feed)
        self._drop_unwanted(feed)

    # --- the news --------------------------------------------------------------------------------------------

    def _learn(self, feed: Feed, news: News, heard: bool = False) -> None:
        before, new = feed.seq, news.seq - feed.seq
        feed.fresh_at = self._clock.monotonic()
        if not heard and news.reset:
            self._start_anew(feed, news.seq)
            return
        if new <= 0:
            return
        if new > len(news.pieces):
            assert heard, "an entity's answer has no gap"
            self._ask(feed)
            return
        pieces = news.pieces[len(news.pieces) - new :]
        feed.keep(pieces, news.seq)
        joined = b"".join(pieces)
        for follower in list(feed.followers):
            if follower.seq == before and follower.ready:
                follower.seq = news.seq
                self.told += 1
                follower.tell(joined)
            else:
                self._serve(feed, follower)
        self._publish(feed, News(news.seq, pieces))

    def _start_anew(self, feed: Feed, seq: int) -> None:
        feed.forget(seq)
        for follower in list(feed.followers):
            if follower.seq != seq:
                follower.seq = seq
                follower.reset(seq)
        self._publish(feed, News(seq))

    def _serve(self, feed: Feed, follower: Follower) -> None:
        """Bring a follower up to what the feed knows; what is not kept any more is gone for it."""
        if not follower.ready or follower.seq >= feed.seq:
            return
        missed = feed.after(follower.seq)
        follower.seq = feed.seq
        if missed is None:
            follower.reset(feed.seq)
        else:
            self.told += 1
            follower.tell(missed)

    def _publish(self, feed: Feed, news: News) -> None:
        # Whose it is now, not at the last look: what its new owner does not publish, others hear of late.
        wanted = feed.wanted_until > feed.fresh_at and self.fan_out is not None
        if wanted and self._owner(feed.entity) == self._address:
            assert self.fan_out is not None
            self.fan_out.publish(feed.entity, news)

    def _publish_after(self, feed: Feed, seq: int) -> None:
        if self.fan_out is not None:
            missed = min(feed.seq - seq, len(feed.kept))
            pieces = list(itertools.islice(feed.kept, len(feed.kept) - missed, None))
            self.fan_out.publish(feed.entity, News(feed.seq, pieces))

    # --- feeds -----------------------------------------------------------------------------------------------

    def _feed(self, entity: str, seq: int) -> Feed:
        feed = self.feeds.get(entity)
        if feed is None:
            feed = self.feeds[entity] = Feed(entity, seq)
            feed.owner = self._owner(entity)
            self._followed.add(entity)
            self._plan(feed, RARE_POLL_S * (0.5 + self._random()))
            self._something.set()
        return feed

    def _home(self, feed: Feed) -> bool:
        return feed.owner == self._address

    def _adjust(self, feed: Feed) -> None:
        """Hear of it from others exactly while it is followed here and theirs."""
        remote = bool(feed.followers) and not self._home(feed)
        if self.fan_out is not None and remote != feed.subscribed:
            feed.subscribed = remote
            if remote:
                self.fan_out.subscribe(feed.entity)
            else:
                self.fan_out.unsubscribe(feed.entity)

    def _drop_unwanted(self, feed: Feed) -> None:
        if not feed.followers and feed.wanted_until <= self._clock.monotonic():
            del self.feeds[feed.entity]
            self._followed.discard(feed.entity)
            self._waiting.pop(feed, None)

    # --- time ------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Look after feeds for ever; cancelled at the end."""
        while True:
            if not self.feeds:
                self._something.clear()
                await self._something.wait()
            await asyncio.sleep(LOOK_EVERY_S)
            try:
                self.look()
            except Exception:  # a mistake with one feed must not leave all others unwatched
                log.exception("live_look_failed")

    def look(self) -> None:
        """Notice entities that moved to another silo, and ask those of which nothing was heard."""
        if (version := self._version()) != self._seen_version:
            self._seen_version = version
            for feed in list(self.feeds.values()):
                self._look_for_owner(feed)
        now = self._clock.monotonic()
        while self._plans and self._plans[0][0] <= now:
            due, _, feed = heapq.heappop(self._plans)
            if feed.due == due and self.feeds.get(feed.entity) is feed:
                self._come_due(feed, now)

    def _look_for_owner(self, feed: Feed) -> None:
        owner = self._owner(feed.entity)
        if owner != feed.owner:
            feed.owner = owner
            self._adjust(feed)
            if feed.followers or self._home(feed):
                self._ask(feed)

    def _come_due(self, feed: Feed, now: float) -> None:
        if not feed.followers and feed.wanted_until <= now:
            self._drop_unwanted(feed)
            return
        away = not self._home(feed) and not (self.fan_out is not None and self.fan_out.up)
        every_s = POLL_S if away or feed.failing else RARE_POLL_S
        concerns_us = feed.followers or self._home(feed)
        if concerns_us and not feed.asking and now - feed.fresh_at >= every_s / 2:
            self._ask(feed)
        self._plan(feed, every_s * (0.75 + self._random() / 2))

    def _plan(self, feed: Feed, in_s: float) -> None:
        feed.due = self._clock.monotonic() + in_s
        heapq.heappush(self._plans, (feed.due, next(self._numbers), feed))
