"""What one can ask of a flash sale; a question changes nothing."""

from __future__ import annotations

from actors.entity import answers
from flash_sale.claims import ClaimRecord
from flash_sale.commands import GetClaim, GetProof, GetSale, GetSoldOut
from flash_sale.edge import user_hash
from flash_sale.evolution import SaleEvolution
from flash_sale.projections import ClaimView, Proof, SaleView, SoldOutNotice, claim_view, sale_view
from flash_sale.proof import proof_of
from flash_sale.rejections import ClaimNotFound, FlashSaleNotFound
from flash_sale.state import Sale

NOTICE_USERS_MAX = 20_000
"""Diners that one notice names; 160 KB."""


class SaleQuestions(SaleEvolution):
    """The answering half of FlashSaleItem."""

    @answers(GetSale)
    def show(self, sale: Sale, query: GetSale, at: int) -> SaleView:
        """The sale as anyone may see it."""
        self._must_exist(sale)
        return sale_view(sale, self.id, at)

    @answers(GetClaim)
    def show_claim(self, sale: Sale, query: GetClaim, at: int) -> ClaimView:
        """One claim."""
        claim = self._claim_of(sale, query.claim_id, query.user_id or None)
        return claim_view(sale, self.id, query.claim_id, claim)

    @answers(GetSoldOut)
    def say_sold_out(self, sale: Sale, query: GetSoldOut, at: int) -> SoldOutNotice:
        """What silos may say on their own for a moment, and to whom not (F9)."""
        self._must_exist(sale)
        users = sale.users_after(query.after, NOTICE_USERS_MAX)
        deadline = sale.deadline or sale.ends_at
        if not sale.shut:
            # Held back, and free by the clock as well.
            deadline = min(deadline, sale.reopens_at)
        return SoldOutNotice(
            sold_out=sale.phase(at) == "sold_out" and at < deadline,
            left=sale.left,
            waiting=sale.waitlist.size,
            per_user_limit=sale.per_user_limit,
            # What runs out by the clock is free by the clock, so no notice outlives the next deadline.
            valid_ms=deadline - at,
            claims=len(sale.claims),
            after=query.after,
            users=b"".join(map(user_hash, users)),
        )

    @answers(GetProof)
    def show_proof(self, sale: Sale, query: GetProof, at: int) -> Proof:
        """What is public of the sale's fairness (F12)."""
        self._must_exist(sale)
        return proof_of(sale, self.id, at, query.after, query.limit)

    def _must_exist(self, sale: Sale) -> None:
        if not sale.opened:
            raise FlashSaleNotFound()

    def _claim_of(self, sale: Sale, claim_id: str, user_id: str | None = None) -> ClaimRecord:
        self._must_exist(sale)
        claim = sale.claims.get(claim_id)
        if claim is None or (user_id is not None and claim.user_id != user_id):
            raise ClaimNotFound()
        return claim
