"""The unit of work: a transaction, with a name for each repository.

A repository is imported when a unit first asks for it: a command such as `enlace status` needs three of them.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Generic, TypeVar

from storage.database.group_commit import GroupCommit
from storage.database.unit import Unit

if TYPE_CHECKING:
    from storage.calendar.agendas import Agendas
    from storage.calendar.broadcasts import Broadcasts
    from storage.calendar.holidays import Holidays
    from storage.calendar.ledger import Ledger
    from storage.calendar.pauses import Pauses
    from storage.calendar.recipients import Recipients
    from storage.calendar.schedules import Schedules
    from storage.database.audit import Audit
    from storage.database.events import Events
    from storage.database.facts import Facts
    from storage.messages.endpoints import Endpoints, EventDeliveries
    from storage.messages.inbox import Inbox
    from storage.messages.jobs import Jobs
    from storage.messages.kept import KeptUpdates
    from storage.messages.outbox import Outbox
    from storage.messages.replicas import Replicas
    from storage.messages.restricted import RestrictedMessages
    from storage.messages.suspects import Suspects
    from storage.people.agencies import Agencies
    from storage.people.chats import Chats
    from storage.people.delegations import Delegations
    from storage.people.entering import Entering
    from storage.people.invitations import Invitations
    from storage.people.joining import Joining
    from storage.people.leaving import Leaving
    from storage.people.people import People
    from storage.people.role_requests import RoleRequests
    from storage.people.roles import Roles
    from storage.people.tokens import DataTokens
    from storage.plan.closings import Closings
    from storage.plan.periods import Periods
    from storage.plan.plans import Plans
    from storage.plan.settings import PlanSettings
    from storage.reports.comments import Comments
    from storage.reports.files import Attachments
    from storage.reports.forms import Forms
    from storage.reports.reviews import Reviews
    from storage.reports.sessions import Sessions
    from storage.reports.submissions import Submissions


R = TypeVar("R")


class _repository(Generic[R]):
    """A repository of a unit, by its name. The unit makes it when it is first asked for it.

    The class is looked up once for the whole process. Every update uses five repositories; `cached_property` would look
    each class up again, and takes a lock for it.
    """

    def __init__(self, find: Callable[["UnitOfWork"], type[R]]) -> None:
        self._find = find
        self._name = find.__name__
        self._class: type[R] | None = None

    def __get__(self, unit: "UnitOfWork", _: object) -> R:
        if self._class is None:
            self._class = self._find(unit)
        made = unit.__dict__[self._name] = unit.of(self._class)  # there it is found from now on
        return made


class UnitOfWork(Unit):
    """Everything that the floor above gets: all repositories, in one transaction."""

    @_repository
    def inbox(self) -> "type[Inbox]":
        from storage.messages.inbox import Inbox

        return Inbox

    @_repository
    def chats(self) -> "type[Chats]":
        from storage.people.chats import Chats

        return Chats

    @_repository
    def people(self) -> "type[People]":
        from storage.people.people import People

        return People

    @_repository
    def joining(self) -> "type[Joining]":
        from storage.people.joining import Joining

        return Joining

    @_repository
    def leaving(self) -> "type[Leaving]":
        from storage.people.leaving import Leaving

        return Leaving

    @_repository
    def roles(self) -> "type[Roles]":
        from storage.people.roles import Roles

        return Roles

    @_repository
    def tokens(self) -> "type[DataTokens]":
        from storage.people.tokens import DataTokens

        return DataTokens

    @_repository
    def invitations(self) -> "type[Invitations]":
        from storage.people.invitations import Invitations

        return Invitations

    @_repository
    def entering(self) -> "type[Entering]":
        from storage.people.entering import Entering

        return Entering

    @_repository
    def role_requests(self) -> "type[RoleRequests]":
        from storage.people.role_requests import RoleRequests

        return RoleRequests

    @_repository
    def agencies(self) -> "type[Agencies]":
        from storage.people.agencies import Agencies

        return Agencies

    @_repository
    def settings(self) -> "type[PlanSettings]":
        from storage.plan.settings import PlanSettings

        return PlanSettings

    @_repository
    def comments(self) -> "type[Comments]":
        from storage.reports.comments import Comments

        return Comments

    @_repository
    def plans(self) -> "type[Plans]":
        from storage.plan.plans import Plans

        return Plans

    @_repository
    def delegations(self) -> "type[Delegations]":
        from storage.people.delegations import Delegations

        return Delegations

    @_repository
    def closings(self) -> "type[Closings]":
        from storage.plan.closings import Closings

        return Closings

    @_repository
    def periods(self) -> "type[Periods]":
        from storage.plan.periods import Periods

        return Periods

    @_repository
    def forms(self) -> "type[Forms]":
        from storage.reports.forms import Forms

        return Forms

    @_repository
    def sessions(self) -> "type[Sessions]":
        from storage.reports.sessions import Sessions

        return Sessions

    @_repository
    def submissions(self) -> "type[Submissions]":
        from storage.reports.submissions import Submissions

        return Submissions

    @_repository
    def reviews(self) -> "type[Reviews]":
        from storage.reports.reviews import Reviews

        return Reviews

    @_repository
    def attachments(self) -> "type[Attachments]":
        from storage.reports.files import Attachments

        return Attachments

    @_repository
    def outbox(self) -> "type[Outbox]":
        from storage.messages.outbox import Outbox

        return Outbox

    @_repository
    def restricted(self) -> "type[RestrictedMessages]":
        from storage.messages.restricted import RestrictedMessages

        return RestrictedMessages

    @_repository
    def kept(self) -> "type[KeptUpdates]":
        from storage.messages.kept import KeptUpdates

        return KeptUpdates

    @_repository
    def jobs(self) -> "type[Jobs]":
        from storage.messages.jobs import Jobs

        return Jobs

    @_repository
    def replicas(self) -> "type[Replicas]":
        from storage.messages.replicas import Replicas

        return Replicas

    @_repository
    def suspects(self) -> "type[Suspects]":
        from storage.messages.suspects import Suspects

        return Suspects

    @_repository
    def schedules(self) -> "type[Schedules]":
        from storage.calendar.schedules import Schedules

        return Schedules

    @_repository
    def recipients(self) -> "type[Recipients]":
        from storage.calendar.recipients import Recipients

        return Recipients

    @_repository
    def ledger(self) -> "type[Ledger]":
        from storage.calendar.ledger import Ledger

        return Ledger

    @_repository
    def agendas(self) -> "type[Agendas]":
        from storage.calendar.agendas import Agendas

        return Agendas

    @_repository
    def broadcasts(self) -> "type[Broadcasts]":
        from storage.calendar.broadcasts import Broadcasts

        return Broadcasts

    @_repository
    def holidays(self) -> "type[Holidays]":
        from storage.calendar.holidays import Holidays

        return Holidays

    @_repository
    def pauses(self) -> "type[Pauses]":
        from storage.calendar.pauses import Pauses

        return Pauses

    @_repository
    def audit(self) -> "type[Audit]":
        from storage.database.audit import Audit

        return Audit

    @_repository
    def events(self) -> "type[Events]":
        from storage.database.events import Events

        return Events

    @_repository
    def endpoints(self) -> "type[Endpoints]":
        from storage.messages.endpoints import Endpoints

        return Endpoints

    @_repository
    def event_deliveries(self) -> "type[EventDeliveries]":
        from storage.messages.endpoints import EventDeliveries

        return EventDeliveries

    @_repository
    def facts(self) -> "type[Facts]":
        from storage.database.facts import Facts

        return Facts


Units = GroupCommit[UnitOfWork]
"""Applies units of work durably and in order."""
