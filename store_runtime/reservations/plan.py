"""ReservationPlan: the slots of a store and what holds of its reservations."""

from __future__ import annotations

import msgspec

from actors.entity import Decision, Entity, answers, decides, evolves
from actors.turn import Turn
from store_runtime.audit_log.acts import Audited, act_done
from store_runtime.rejections import InvalidField
from store_runtime.reservations.commands import ChangePlan, GetPlan, Policy, SlotPlan
from store_runtime.reservations.events import PlanChanged
from store_runtime.reservations.projections import PlanView


class Plan(msgspec.Struct, kw_only=True):
    """``version`` grows with every change."""

    slots: tuple[SlotPlan, ...] = ()
    policy: Policy = Policy()
    days_ahead: int = 30
    version: int = 0


class ReservationPlan(Audited, Entity[Plan]):
    """What can be reserved at one store."""

    kind = "reservation-plan"

    def blank(self) -> Plan:
        return Plan()

    @decides(ChangePlan)
    def change(self, plan: Plan, cmd: ChangePlan, turn: Turn) -> Decision[PlanView]:
        """All slots at once."""
        InvalidField.check(cmd)
        ids = [slot.slot_id for slot in cmd.slots]
        if len(set(ids)) < len(ids):
            raise InvalidField(path="$.slots", problem="each slot_id once")
        yield PlanChanged(slots=cmd.slots, policy=cmd.policy, days_ahead=cmd.days_ahead, by=cmd.by)
        yield from act_done(
            self.id, turn, cmd.by, "store.settings", f"reservation-plan/{self.id}", after={"slots": ids}
        )
        return PlanView(
            slots=cmd.slots, policy=cmd.policy, days_ahead=cmd.days_ahead, version=plan.version + 1
        )

    @evolves(PlanChanged)
    def on_changed(self, plan: Plan, e: PlanChanged, at: int) -> None:
        plan.slots, plan.policy, plan.days_ahead = e.slots, e.policy, e.days_ahead
        plan.version += 1

    @answers(GetPlan)
    def show(self, plan: Plan, query: GetPlan, at: int) -> PlanView:
        """Slots and policy."""
        return PlanView(
            slots=plan.slots, policy=plan.policy, days_ahead=plan.days_ahead, version=plan.version
        )
