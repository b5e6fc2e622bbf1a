"""The unit of work: a transaction, with a name for each repository.

A repository is imported when a unit first asks for it: a command such as `enlace status` needs three of them.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

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
    from storage.plan.agency_units import AgencyUnits
    from storage.plan.closings import Closings
    from storage.plan.endings import Endings
    from storage.plan.periods import Periods
    from storage.plan.plans import Plans
    from storage.plan.settings import PlanSettings
    from storage.plan.succession import Succession
    from storage.reports.comments import Comments
    from storage.reports.files import Attachments
    from storage.reports.forms import Forms
    from storage.reports.reviews import Reviews
    from storage.reports.sessions import Sessions
    from storage.reports.submissions import Submissions


class OnFirstUse:
    """A repository of a unit, by its name. The unit makes it when it is first asked for it.

    The class is looked up once for the whole process. Every update uses five repositories; `cached_property` would look
    each class up again, and takes a lock for it.
    """

    def __init__(self, module: str) -> None:
        self.module = module
        self._class: Any = None

    def __set_name__(self, owner: type, name: str) -> None:
        self._name, self._class_name = name, owner.__annotations__[name]

    def __get__(self, unit: Unit, _: object) -> Any:
        if self._class is None:
            self._class = getattr(import_module(self.module), self._class_name)
        made = unit.__dict__[self._name] = unit.of(self._class)  # there it is found from now on
        return made


def _repository(module: str) -> Any:
    """Return a repository of this module. Its name and its class come from its place in a class."""
    return OnFirstUse(module)


class UnitOfWork(Unit):
    """Everything that the floor above gets: all repositories, in one transaction."""

    inbox: "Inbox" = _repository("storage.messages.inbox")
    chats: "Chats" = _repository("storage.people.chats")
    people: "People" = _repository("storage.people.people")
    joining: "Joining" = _repository("storage.people.joining")
    leaving: "Leaving" = _repository("storage.people.leaving")
    roles: "Roles" = _repository("storage.people.roles")
    tokens: "DataTokens" = _repository("storage.people.tokens")
    invitations: "Invitations" = _repository("storage.people.invitations")
    entering: "Entering" = _repository("storage.people.entering")
    role_requests: "RoleRequests" = _repository("storage.people.role_requests")
    agencies: "Agencies" = _repository("storage.people.agencies")
    settings: "PlanSettings" = _repository("storage.plan.settings")
    comments: "Comments" = _repository("storage.reports.comments")
    plans: "Plans" = _repository("storage.plan.plans")
    agency_units: "AgencyUnits" = _repository("storage.plan.agency_units")
    delegations: "Delegations" = _repository("storage.people.delegations")
    closings: "Closings" = _repository("storage.plan.closings")
    endings: "Endings" = _repository("storage.plan.endings")
    succession: "Succession" = _repository("storage.plan.succession")
    periods: "Periods" = _repository("storage.plan.periods")
    forms: "Forms" = _repository("storage.reports.forms")
    sessions: "Sessions" = _repository("storage.reports.sessions")
    submissions: "Submissions" = _repository("storage.reports.submissions")
    reviews: "Reviews" = _repository("storage.reports.reviews")
    attachments: "Attachments" = _repository("storage.reports.files")
    outbox: "Outbox" = _repository("storage.messages.outbox")
    restricted: "RestrictedMessages" = _repository("storage.messages.restricted")
    kept: "KeptUpdates" = _repository("storage.messages.kept")
    jobs: "Jobs" = _repository("storage.messages.jobs")
    replicas: "Replicas" = _repository("storage.messages.replicas")
    suspects: "Suspects" = _repository("storage.messages.suspects")
    schedules: "Schedules" = _repository("storage.calendar.schedules")
    recipients: "Recipients" = _repository("storage.calendar.recipients")
    ledger: "Ledger" = _repository("storage.calendar.ledger")
    agendas: "Agendas" = _repository("storage.calendar.agendas")
    broadcasts: "Broadcasts" = _repository("storage.calendar.broadcasts")
    holidays: "Holidays" = _repository("storage.calendar.holidays")
    pauses: "Pauses" = _repository("storage.calendar.pauses")
    audit: "Audit" = _repository("storage.database.audit")
    events: "Events" = _repository("storage.database.events")
    endpoints: "Endpoints" = _repository("storage.messages.endpoints")
    event_deliveries: "EventDeliveries" = _repository("storage.messages.endpoints")
    facts: "Facts" = _repository("storage.database.facts")


Units = GroupCommit[UnitOfWork]
"""Applies units of work durably and in order."""
