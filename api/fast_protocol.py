"""One connection on which hot routes take the fast road and all others go through uvicorn to FastAPI.

Both kinds may follow each other on one connection, pipelined too: a request is answered when those before it are.
Overrides of uvicorn 0.54; ``tests/api/test_fast_road.py`` has a test per override.
"""

from __future__ import annotations

from typing import Any, cast

from api.call import Call
from api.endpoint import Endpoint
from api.fast_road import BODY_DIGITS_MAX, FastRoad, HotCycle
from api.protocol import SLICE_BYTES, LimitedProtocol, Phase
from api.whole_request import WholeRequest, read_whole


class FastProtocol(LimitedProtocol):
    """One connection; ``road`` is the silo's."""

    road: FastRoad

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._unsent: tuple[HotCycle, bytes] | None = None
        """An answer that waits for its client to read earlier ones."""
        self.whole_bytes_max = min(SLICE_BYTES, self.limits.head_bytes_max)

    # --- from the transport --------------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        before = self.cycle
        if (
            self._phase is Phase.NOTHING
            and (before is None or before.response_complete)
            and len(data) <= self.whole_bytes_max
            and not (self.unparsed or self._heard_enough or self.transport.is_closing())
            and (whole := read_whole(data)) is not None
            and (found := self.road.find(whole.method, whole.url)) is not None
        ):
            self._take_whole(whole, found)
        else:
            super().data_received(data)

    def _take_whole(self, whole: WholeRequest, found: tuple[Endpoint, dict[str, str]]) -> None:
        """One hot request and nothing else was read, between two requests: the parser is not needed."""
        hot = self._hot_cycle(found, whole.raw_headers, whole.headers, whole.keep_alive)
        hot.body = whole.body
        hot.more_body = False
        self.cycle = cast(Any, hot)
        self._patient_until = 0.0
        hot.start()
        if not hot.response_complete:
            self.deadline = self.loop.time() + self.limits.answer_s

    # --- from the parser -----------------------------------------------------------------------------------

    def on_good_head(self) -> None:
        hot = self._parsed_hot_cycle()
        if hot is None:
            super().on_good_head()
            return
        before = self.cycle
        self.cycle = cast(Any, hot)
        self._phase = Phase.BODY
        if before is None or before.response_complete:
            hot.start()
        else:
            self.flow.pause_reading()
            self.pipeline.appendleft(cast(Any, (hot, None)))

    def _parsed_hot_cycle(self) -> HotCycle | None:
        """The request as the fast road takes it, None if that is not for it."""
        parser = self.parser
        found = self.road.find(parser.get_method(), self.url)
        if found is None:
            return None
        headers = dict(self.headers)
        if (
            b"transfer-encoding" in headers
            or b"expect" in headers
            or len(headers.get(b"content-length", b"")) > BODY_DIGITS_MAX
            or parser.get_http_version() != "1.1"
            or parser.should_upgrade()
        ):
            return None
        return self._hot_cycle(found, self.headers, headers, parser.should_keep_alive())

    def _hot_cycle(
        self,
        found: tuple[Endpoint, dict[str, str]],
        raw_headers: list[tuple[bytes, bytes]],
        headers: dict[bytes, bytes],
        keep_alive: bool,
    ) -> HotCycle:
        endpoint, params = found
        peer = self.client[0] if self.client else ""
        call = Call(endpoint.door, endpoint.operation, raw_headers, headers, params, peer)
        return HotCycle(self, endpoint, call, keep_alive and not self.draining)

    def on_body(self, body: bytes) -> None:
        cycle: Any = self.cycle
        if type(cycle) is not HotCycle:
            super().on_body(body)
        elif self._phase is Phase.BODY and not self.transport.is_closing():
            if cycle.response_complete:
                self.drop(body)
            else:
                cycle.body += body

    def on_whole_message(self) -> None:
        cycle: Any = self.cycle
        if type(cycle) is HotCycle:
            cycle.body_is_whole()
        else:
            super().on_whole_message()

    # --- the answer ----------------------------------------------------------------------------------------

    def default_head(self) -> bytes:
        return self.road.default_head(self.server_state.default_headers)

    def answer_hot(self, cycle: HotCycle, raw: bytes) -> None:
        """Write an answer whole. A client that does not read what it was sent gets it when it does."""
        if cycle.disconnected or self.transport.is_closing():
            cycle.response_complete = True
        elif self.flow.write_paused:
            self._unsent = (cycle, raw)
        else:
            self._write_hot(cycle, raw)

    def _write_hot(self, cycle: HotCycle, raw: bytes) -> None:
        self.road.post(self.transport, raw)
        cycle.response_complete = True
        if not cycle.keep_alive:
            self.end()
        self.answered()

    # What closes the connection, or writes to it, comes behind the answers of this turn.

    def end(self) -> None:
        self.road.flush()
        super().end()

    def shutdown(self) -> None:
        self.road.flush()
        super().shutdown()

    def drop(self, body: bytes) -> None:
        self.road.flush()
        super().drop(body)

    def write_problem(self, raw: bytes) -> None:
        self.road.flush()
        super().write_problem(raw)

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._unsent is not None:
            unsent, self._unsent = self._unsent, None
            self._write_hot(*unsent)

    def start_next(self) -> None:
        cycle: Any = self.pipeline[-1][0]
        if type(cycle) is HotCycle:
            self.pipeline.pop()
            # Its body may still be on the way. uvicorn's own cycle reads on when its task asks for it.
            self.flow.resume_reading()
            # Not from here: of many pipelined requests each would begin inside the one before it.
            self.loop.call_soon(self._start_hot, cycle)
        else:
            super().start_next()

    def _start_hot(self, cycle: HotCycle) -> None:
        if not self.transport.is_closing():
            cycle.start()
