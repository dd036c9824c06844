"""Delivery: terms in, fees out."""

from __future__ import annotations

from actors.entity import Decision, Entity, answers, decides, evolves
from actors.turn import Turn
from store_runtime.audit_log.acts import Audited, act_done
from store_runtime.delivery import zones
from store_runtime.delivery.commands import ChangeDelivery, GetDelivery, GetFee
from store_runtime.delivery.events import DeliveryChanged
from store_runtime.delivery.projections import DeliveryView, Fee, delivery_view
from store_runtime.delivery.rejections import DeliveryNotOffered
from store_runtime.delivery.state import DeliveryTerms
from store_runtime.rejections import InvalidField


class Delivery(Audited, Entity[DeliveryTerms]):
    """Where one store delivers to."""

    kind = "delivery"

    def blank(self) -> DeliveryTerms:
        return DeliveryTerms()

    @decides(ChangeDelivery)
    def change(self, terms: DeliveryTerms, cmd: ChangeDelivery, turn: Turn) -> Decision[DeliveryView]:
        """All terms at once; what is wrong with one zone refuses all."""
        InvalidField.check(cmd)
        zones.check(cmd.origin, cmd.zones)
        changed = (cmd.offered, cmd.origin, cmd.zones) != (terms.offered, terms.origin, terms.zones)
        if changed:
            yield DeliveryChanged(offered=cmd.offered, origin=cmd.origin, zones=cmd.zones, by=cmd.by)
            yield from act_done(
                self.id,
                turn,
                cmd.by,
                "store.settings",
                f"delivery/{self.id}",
                before={"offered": terms.offered, "zones": [zone.zone_id for zone in terms.zones]},
                after={"offered": cmd.offered, "zones": [zone.zone_id for zone in cmd.zones]},
            )
        version = terms.version + changed
        return DeliveryView(offered=cmd.offered, origin=cmd.origin, zones=cmd.zones, version=version)

    @evolves(DeliveryChanged)
    def on_changed(self, terms: DeliveryTerms, e: DeliveryChanged, at: int) -> None:
        terms.offered, terms.origin, terms.zones = e.offered, e.origin, e.zones
        terms.version += 1

    @answers(GetDelivery)
    def show(self, terms: DeliveryTerms, query: GetDelivery, at: int) -> DeliveryView:
        """The terms as they stand."""
        return delivery_view(terms)

    @answers(GetFee)
    def fee(self, terms: DeliveryTerms, query: GetFee, at: int) -> Fee:
        """T12: by zone, then by distance."""
        if not terms.offered:
            raise DeliveryNotOffered()
        return zones.fee(terms.origin, terms.zones, query.to)
