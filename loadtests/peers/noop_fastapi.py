"""No-op: FastAPI reads the same request and answers the same shape, and remembers nothing.

The ceiling of the stack. It checks no token and keeps no count, so its audit must fail.

Run: ``uvicorn loadtests.peers.noop_fastapi:app``
"""

from __future__ import annotations

from fastapi import FastAPI

from loadtests.peers.shapes import ClaimAnswer, ClaimRequest, OpenSale, SaleView

app = FastAPI()


@app.get("/readyz")
async def ready() -> dict[str, str]:
    return {"status": "ready"}


@app.post("/api/v1/stores/{store_id}/flash-sales", status_code=201)
async def open_sale(store_id: str, sale: OpenSale) -> SaleView:
    return SaleView(flash_sale_id="no-op", phase="open", stock=sale.stock, left=sale.stock)


@app.get("/api/v1/flash-sales/{flash_sale_id}")
async def show_sale(flash_sale_id: str) -> SaleView:
    return SaleView(flash_sale_id=flash_sale_id, phase="open", stock=1, left=1)


@app.post("/api/v1/flash-sales/{flash_sale_id}/claims", status_code=201)
async def claim(flash_sale_id: str, request: ClaimRequest) -> ClaimAnswer:
    return ClaimAnswer(
        claim_id="no-op",
        status="held",
        quantity=request.quantity,
        position=1,
        expires_at="2099-01-01T00:00:00+00:00",
    )
