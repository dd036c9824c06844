"""A small entity that can be followed, and a screen that checks what it is told."""

from __future__ import annotations

import msgspec

from actors import Command, Decision, Entity, Event, Query, Turn, answers, decides, evolves
from actors.feeds import News
from actors.words import Rejected

KEPT_MAX = 32


class Write(Command, frozen=True, kw_only=True):
    lines: int = 1


class Read(Query, frozen=True, kw_only=True):
    since: int


class Wrote(Event, frozen=True, kw_only=True):
    lines: int


class Lines(msgspec.Struct):
    """What a board's screens show; a line is its own number."""

    seq: int = 0


class Board(Entity[Lines]):
    """Numbers its lines; knows the last KEPT_MAX."""

    kind = "board"

    def blank(self) -> Lines:
        return Lines()

    @decides(Write)
    def write(self, board: Lines, cmd: Write, turn: Turn) -> Decision[int]:
        yield Wrote(lines=cmd.lines)
        return board.seq + cmd.lines

    @evolves(Wrote)
    def wrote(self, board: Lines, event: Wrote, at: int) -> None:
        board.seq += event.lines

    @answers(Read)
    def read(self, board: Lines, query: Read, at: int) -> News:
        missed = board.seq - query.since
        if not 0 <= missed <= KEPT_MAX:
            return News(board.seq, reset=True)
        return News(board.seq, [piece(seq) for seq in range(query.since + 1, board.seq + 1)])


class BoardLanguage:
    """Pieces are numbers, one a line."""

    def question(self, since: int) -> Query:
        return Read(since=since)

    def news(self, answer: bytes) -> News:
        return msgspec.msgpack.decode(answer, type=News)


def piece(seq: int) -> bytes:
    return b"%d\n" % seq


class Screen:
    """Follows from ``seq``; ``wrong`` says what must never be: a gap, a repetition, a step back."""

    def __init__(self, seq: int = 0) -> None:
        self.seq = seq
        self.ready = True
        self.shown = seq
        self.resets: list[int] = []
        self.wrong: list[str] = []
        self.no: Rejected | None = None

    def tell(self, pieces: bytes) -> None:
        for number in map(int, pieces.split()):
            if number != self.shown + 1:
                self.wrong.append(f"{number} after {self.shown}")
            self.shown = number
        if self.shown != self.seq:
            self.wrong.append(f"shows {self.shown}, is at {self.seq}")

    def reset(self, seq: int) -> None:
        if seq < self.shown:
            self.wrong.append(f"back from {self.shown} to {seq}")
        self.shown = seq
        self.resets.append(seq)

    def gone(self, no: Rejected) -> None:
        self.no = no
