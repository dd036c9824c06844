"""The published proof: what is in it when, and that the check finds every lie."""

from __future__ import annotations

import hashlib
import hmac

import msgspec
import pytest

from actors.testing.kit import NOON, Given
from flash_sale.commands import GetProof, ReleaseClaim
from flash_sale.projections import Proof, ProofLine
from flash_sale.proof import joined, verify_proof
from flash_sale.state import Sale
from tests.flash_sale.builders import HOUR, checkout, claim, confirm, draw_sale, sale


def drawn_and_over() -> Given[Sale]:
    """A draw of twelve entries for five, one withdrawn, claims after it, one sold, and the end."""
    given = draw_sale(stock=5, per_user_limit=2)
    claims = [claim(given, f"guest-{n}", 1 + n % 2, wait=n % 3 == 0) for n in range(12)]
    given.when(ReleaseClaim(claim_id=claims[4], user_id="guest-4"))
    given.then_wake()
    claim(given, "late-1", wait=True)
    winner = next(one for one in claims if given.state.claims[one].state == "held")
    confirm(given, winner, checkout(given, winner))
    given.wakes_until(NOON + HOUR)
    return given


def test_F11_F12_the_published_words_taken_literally_give_the_published_values() -> None:
    """Given a draw with an entry that was given back, when one follows ``how_to_check`` word by word, with nothing of
    ours, then sequence, digest and order come out as published.
    """
    proof = drawn_and_over().ask(GetProof())
    seed, digest = bytes.fromhex(proof.seed or ""), bytes.fromhex(proof.entries_digest or "")

    links = [bytes(32)]
    for line in proof.lines:
        words = f"{line.position}|{line.claim_id}|{line.quantity}|{int(line.wait)}|{line.claimed_at}"
        links.append(hashlib.sha256(links[-1] + words.encode()).digest())
    entered = proof.lines[: proof.entries]
    taking_part = [line for line in entered if line.rank != 0]
    in_order = sorted(
        taking_part, key=lambda line: hmac.digest(seed, digest + line.claim_id.encode(), "sha256")
    )

    assert [line.status for line in entered if line.rank == 0] == ["released"]
    assert "leave out those with rank 0" in proof.how_to_check
    assert hashlib.sha256(seed).hexdigest() == proof.seed_hash
    assert links[-1].hex() == proof.sequence_hash
    assert links[proof.entries or 0] == digest
    assert [line.claim_id for line in in_order] == proof.order
    assert [line.rank for line in in_order] == list(range(1, len(in_order) + 1))


def test_F12_the_sequence_is_published_after_the_end() -> None:
    """While the sale is on, nothing of the sequence is shown; afterwards all of it, and it is sound."""
    given = sale(stock=2)
    for n in range(4):
        claim(given, f"guest-{n}", wait=True)
    during = given.ask(GetProof())
    given.wakes_until(NOON + HOUR)

    over = given.ask(GetProof())

    assert (during.lines, during.sequence_hash) == ([], None)
    assert [line.position for line in over.lines] == [1, 2, 3, 4]
    assert verify_proof(over) == []


def test_F12_no_diner_is_named() -> None:
    """A proof shows claims, never who made them."""
    given = drawn_and_over()

    published = msgspec.json.encode(given.ask(GetProof())).decode()

    assert "guest-" not in published
    assert "late-1" not in published


def test_F11_a_whole_draw_is_sound() -> None:
    """Seed, digest, order, winners and sequence fit together."""
    proof = drawn_and_over().ask(GetProof())

    assert verify_proof(proof) == []
    assert len(proof.order or []) == 11


def test_F12_an_empty_sale_is_sound() -> None:
    """Nobody came; there is nothing to doubt."""
    given = draw_sale()
    given.wakes_until(NOON + HOUR)

    assert verify_proof(given.ask(GetProof())) == []


def test_F12_a_long_proof_comes_in_pages() -> None:
    """The pages, joined, are the whole."""
    given = drawn_and_over()
    pages = [given.ask(GetProof(limit=5))]
    while pages[-1].next_after is not None:
        pages.append(given.ask(GetProof(after=pages[-1].next_after, limit=5)))

    whole = joined(pages)

    assert len(pages) == 3
    assert whole == given.ask(GetProof())
    assert verify_proof(whole) == []


def lie_about_a_line(**fields: object) -> object:
    """A proof whose third line says something else."""

    def tell(proof: Proof) -> Proof:
        lines = list(proof.lines)
        lines[2] = msgspec.structs.replace(lines[2], **fields)
        return msgspec.structs.replace(proof, lines=lines)

    return tell


def swap(proof: Proof) -> Proof:
    """Two claims change places."""
    first, second, *rest = proof.lines
    swapped = [_at(second, first.position), _at(first, second.position), *rest]
    return msgspec.structs.replace(proof, lines=swapped)


def insert(proof: Proof) -> Proof:
    """A claim that nobody made stands at the head."""
    fake = ProofLine(
        position=1, claim_id="f1.cfriend", quantity=1, wait=False, claimed_at=NOON, status="sold"
    )
    rest = [_at(line, line.position + 1) for line in proof.lines]
    return msgspec.structs.replace(proof, lines=[fake, *rest])


def drop(proof: Proof) -> Proof:
    """The last claim is left out."""
    return msgspec.structs.replace(proof, lines=proof.lines[:-1])


def drop_from_the_middle(proof: Proof) -> Proof:
    """A claim in the middle is left out."""
    return msgspec.structs.replace(proof, lines=proof.lines[:3] + proof.lines[4:])


def other_seed(proof: Proof) -> Proof:
    """The seed is chosen afterwards."""
    return msgspec.structs.replace(proof, seed="00" * 32)


def other_order(proof: Proof) -> Proof:
    """The order is another than the lots say."""
    return msgspec.structs.replace(proof, order=list(reversed(proof.order or [])))


def winner_and_loser(proof: Proof) -> Proof:
    """One that was to be held was not drawn."""
    lines = [
        msgspec.structs.replace(line, status="not_drawn") if line.rank == 1 else line for line in proof.lines
    ]
    return msgspec.structs.replace(proof, lines=lines)


def kept_out(proof: Proof) -> Proof:
    """An entry is kept out of the draw, the others move up."""
    lines = [
        msgspec.structs.replace(line, rank=max(0, line.rank - 1)) if line.rank else line
        for line in proof.lines
    ]
    drawn = sorted((line for line in lines if line.rank), key=lambda line: line.rank)
    return msgspec.structs.replace(proof, lines=lines, order=[line.claim_id for line in drawn])


@pytest.mark.parametrize(
    "lie",
    [
        lie_about_a_line(quantity=9),
        lie_about_a_line(claimed_at=NOON - 1),
        lie_about_a_line(claim_id="f1.cfriend"),
        lie_about_a_line(wait=True, quantity=1),
        lie_about_a_line(rank=99),
        swap,
        insert,
        drop,
        drop_from_the_middle,
        other_seed,
        other_order,
        winner_and_loser,
        kept_out,
    ],
)
def test_F12_the_check_finds_every_lie(lie) -> None:  # type: ignore[no-untyped-def]
    """Whatever is changed in a published proof is found by anyone who runs the check."""
    proof = drawn_and_over().ask(GetProof())
    told = lie(proof)
    assert told != proof

    assert verify_proof(told) != []


def _at(line: ProofLine, position: int) -> ProofLine:
    return msgspec.structs.replace(line, position=position)
