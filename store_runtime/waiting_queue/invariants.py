"""What must always hold of a queue (T15)."""

from __future__ import annotations

from collections.abc import Iterator

from store_runtime.waiting_queue.state import ACTIVE, Queue, TicketState


def violations(queue: Queue) -> list[str]:
    """What contradicts itself; empty when all holds."""
    return list(_contradictions(queue))


def _contradictions(queue: Queue) -> Iterator[str]:
    in_line = [code for line in queue.order.values() for code in line]
    active = {code for code, ticket in queue.tickets.items() if ticket.state in ACTIVE}
    if len(in_line) != len(set(in_line)) or set(in_line) != active:
        yield "T15: who waits and who stands in line are not the same"
    numbers = [ticket.number for ticket in queue.tickets.values()]
    if len(numbers) != len(set(numbers)):
        yield "T15: a number was given twice"
    for prefix, last in queue.last.items():
        given = sorted(t.serial for t in queue.tickets.values() if t.prefix == prefix)
        if given != list(range(1, last + 1)):
            yield f"T15: {prefix} has a gap up to {last}"
    for prefix, line in queue.order.items():
        waiting = [queue.tickets[code] for code in line]
        fresh = [one.serial for one in waiting if one.state is TicketState.WAITING and not one.rejoins]
        if fresh != sorted(fresh):
            yield f"T15: {prefix} is out of order"
