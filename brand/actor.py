"""StaffAccount: created, given a password and roles, disabled."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import get_args

from actors.entity import Decision, Entity, answers, decides, evolves, reacts
from actors.turn import Turn
from actors.words import Event, Send
from brand.commands import (
    ChangePassword,
    ChangeRoles,
    ChangeRolesAt,
    CreateAccount,
    DisableAccount,
    GetAccount,
)
from brand.events import AccountCreated, AccountDisabled, PasswordChanged, RolesChanged
from brand.projections import AccountView
from brand.rejections import AccountElsewhere, AccountExists, AccountNotFound, AccountOff, UnknownRole
from brand.roles import ANY_STORE, Role
from brand.staff_list.words import NoteAccount
from brand.state import Account
from store_runtime.audit_log.acts import HOUSE, ActDone, Audited, Facts, act_done
from store_runtime.by import By

ROLES: tuple[str, ...] = get_args(Role)


class StaffAccount(Audited, Entity[Account]):
    """One person's account; its id is the username."""

    kind = "staff-account"

    def blank(self) -> Account:
        return Account()

    @decides(CreateAccount)
    def create(self, account: Account, cmd: CreateAccount, turn: Turn) -> Decision[AccountView]:
        """Someone may work here."""
        if account.created:
            raise AccountExists()
        _must_be_known(cmd.roles)
        roles = _plain(cmd.roles)
        yield AccountCreated(password_hash=cmd.password_hash, roles=roles, name=cmd.name)
        yield from self._told(turn, cmd.by, cmd.store_id, "staff.create", after={"roles": roles})
        return AccountView(
            username=self.id,
            name=cmd.name,
            password_hash=cmd.password_hash,
            roles=roles,
            disabled=False,
            epoch=1,
        )

    @evolves(AccountCreated)
    def on_created(self, account: Account, e: AccountCreated, at: int) -> None:
        account.created = True
        account.name, account.password_hash = e.name, e.password_hash
        account.roles = _plain(e.roles)
        account.epoch += 1
        _list(account)

    @decides(ChangePassword)
    def change_password(self, account: Account, cmd: ChangePassword, turn: Turn) -> Decision[AccountView]:
        """A new password."""
        self._must_be_on(account)
        _must_be_within(account, cmd.within)
        yield PasswordChanged(password_hash=cmd.password_hash)
        yield from self._told(turn, cmd.by, cmd.store_id, "staff.password")
        return self._view(account, password_hash=cmd.password_hash)

    @evolves(PasswordChanged)
    def on_password_changed(self, account: Account, e: PasswordChanged, at: int) -> None:
        account.password_hash = e.password_hash
        account.epoch += 1

    @decides(ChangeRoles)
    def change_roles(self, account: Account, cmd: ChangeRoles, turn: Turn) -> Decision[AccountView]:
        """The roles from now on."""
        self._must_be_on(account)
        _must_be_known(cmd.roles)
        yield from self._new_roles(account, _plain(cmd.roles), turn, cmd.by, cmd.store_id)
        return self._view(account, roles=_plain(cmd.roles))

    @decides(ChangeRolesAt)
    def change_roles_at(self, account: Account, cmd: ChangeRolesAt, turn: Turn) -> Decision[AccountView]:
        """What they are in one store; what they are elsewhere stays."""
        self._must_be_on(account)
        roles = {store: list(here) for store, here in account.roles.items() if store != cmd.at}
        if cmd.roles:
            _must_be_known({cmd.at: cmd.roles})
            roles[cmd.at] = list(cmd.roles)
        yield from self._new_roles(account, roles, turn, cmd.by, cmd.at)
        return self._view(account, roles=roles)

    @evolves(RolesChanged)
    def on_roles_changed(self, account: Account, e: RolesChanged, at: int) -> None:
        account.roles = _plain(e.roles)
        account.epoch += 1
        _list(account)

    @decides(DisableAccount)
    def disable(self, account: Account, cmd: DisableAccount, turn: Turn) -> Decision[AccountView]:
        """No longer works here."""
        self._must_be_on(account)
        _must_be_within(account, cmd.within)
        yield AccountDisabled()
        yield from self._told(turn, cmd.by, cmd.store_id, "staff.disable")
        return self._view(account, disabled=True)

    @evolves(AccountDisabled)
    def on_disabled(self, account: Account, e: AccountDisabled, at: int) -> None:
        account.disabled = True
        account.epoch += 1

    @reacts(AccountCreated)
    @reacts(RolesChanged)
    @reacts(AccountDisabled)
    def tell_lists(self, account: Account, e: Event, turn: Turn) -> Iterator[Send]:
        """Every store where it has or had a role lists it as it now is."""
        for store in account.listed:
            note = NoteAccount(
                username=self.id,
                name=account.name,
                roles=list(account.roles.get(store, ())),
                disabled=account.disabled,
                epoch=account.epoch,
            )
            listed_in = HOUSE if store == ANY_STORE else store
            yield Send(to=f"staff-list/{listed_in}", command=note, step=f"list:{listed_in}")

    @answers(GetAccount)
    def show(self, account: Account, query: GetAccount, at: int) -> AccountView:
        """The account as it stands, also a disabled one."""
        if not account.created:
            raise AccountNotFound()
        return self._as_is(account)

    def _new_roles(
        self, account: Account, roles: dict[str, list[str]], turn: Turn, by: By | None, store_id: str
    ) -> Iterator[Event]:
        yield RolesChanged(roles=roles)
        yield from self._told(
            turn, by, store_id, "staff.roles", before={"roles": account.roles}, after={"roles": roles}
        )

    def _told(
        self,
        turn: Turn,
        by: By | None,
        store_id: str,
        action: str,
        *,
        before: Facts | None = None,
        after: Facts | None = None,
    ) -> Iterator[ActDone]:
        """A1: never the hash of a password, old or new."""
        subject = f"staff-account/{self.id}"
        yield from act_done(store_id, turn, by, action, subject, before=before, after=after)

    def _must_be_on(self, account: Account) -> None:
        if not account.created:
            raise AccountNotFound()
        if account.disabled:
            raise AccountOff()

    def _as_is(self, account: Account) -> AccountView:
        return AccountView(
            username=self.id,
            name=account.name,
            password_hash=account.password_hash,
            roles=account.roles,
            disabled=account.disabled,
            epoch=account.epoch,
        )

    def _view(
        self,
        account: Account,
        *,
        password_hash: str | None = None,
        roles: dict[str, list[str]] | None = None,
        disabled: bool = False,
    ) -> AccountView:
        """The account after the change."""
        return AccountView(
            username=self.id,
            name=account.name,
            password_hash=account.password_hash if password_hash is None else password_hash,
            roles=account.roles if roles is None else roles,
            disabled=disabled,
            epoch=account.epoch + 1,
        )


def _list(account: Account) -> None:
    account.listed += [store for store in sorted(account.roles) if store not in account.listed]


def _must_be_within(account: Account, store: str) -> None:
    if store and set(account.roles) - {store}:
        raise AccountElsewhere()


def _must_be_known(roles: Mapping[str, Sequence[str]]) -> None:
    """Refuse a role that does not exist, and an account without any."""
    known = list(ROLES)
    named = [role for here in roles.values() for role in here]
    if not named:
        raise UnknownRole(role="", known=known)
    for role in named:
        if role not in ROLES:
            raise UnknownRole(role=role, known=known)


def _plain(roles: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """A copy of its own, so that state and event share nothing that can change."""
    return {store: list(here) for store, here in roles.items()}
