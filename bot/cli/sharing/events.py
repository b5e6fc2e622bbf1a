"""`enlace events`: receivers outside, and which events they got or did not get."""

import asyncio
import sys
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from bot.cli.at_server import Row, act, local, look, settings
from bot.cli.console import print_rows, talk
from bot.cli.options import JsonOption, PlanOption
from bot.errors import Complaint, Misuse

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from bot.chat.actor import Actor
    from bot.settings import Settings
    from bot.workers.webhooks import Answer
    from storage.messages.endpoints import Claimed, StoredEndpoint
    from storage.plan.plans import Plan
    from storage.unit_of_work import UnitOfWork

T = TypeVar("T")

app = typer.Typer(no_args_is_help=True)

ReceiverArgument = Annotated[int, typer.Argument(metavar="RECEIVER", help="Its number in 'enlace events list'.")]

REFUSED = {
    "scheme": "it must begin with https://; http:// is for this machine alone, and only if ENLACE_EVENTS_INSIDE "
    "names 127.0.0.1/32",
    "inside": "it is inside the network, where nobody is called; the operator may allow networks in "
    "ENLACE_EVENTS_INSIDE",
    "port": "its port is not one of those that are called; the operator may allow others in ENLACE_EVENTS_PORTS",
    "login": "it holds a user name or password; a receiver knows us by the signature",
    "long": "it is too long",
    "url": "it is no address such as https://example.org/enlace",
}


@app.command("list")
def list_receivers(plan_code: PlanOption = "", as_json: JsonOption = False) -> None:
    """List the receivers: number, host, audience, state, and how many events were delivered, wait, or are dead."""
    chosen = settings()

    def rows(unit: "UnitOfWork", plan: "Plan") -> list[Row]:
        counted, gone = unit.event_deliveries.counts(plan.id), unit.event_deliveries.gone(plan.id)
        return [
            {
                "receiver": one.id,
                "host": one.host,
                "audience": one.audience,
                "state": ("gone" if one.id in gone else "paused") if one.paused_at else "on",
                **{state: counted.get((one.id, state), 0) for state in ("delivered", "waiting", "dead")},
                "since": local(one.made_at, chosen),
                "kinds": list(one.kinds),
            }
            for one in unit.endpoints.all(plan.id)
        ]

    found = look(plan_code, rows, at=chosen)
    print_rows(found, as_json, ("receiver", "host", "audience", "state", "delivered", "waiting", "dead", "since"))


@app.command()
def add(
    url: Annotated[str, typer.Argument(metavar="URL", help="https://…, or - to read it from the standard input.")],
    audience: Annotated[
        str, typer.Option("--audience", help="For whom: internal, observers or public. It decides what is told.")
    ] = "public",
    kinds: Annotated[
        str, typer.Option("--kinds", help="Kinds of events, separated by commas; all that the audience may have.")
    ] = "",
    plan_code: PlanOption = "",
) -> None:
    """Add a receiver. Print its number and its secret, which is shown only now."""
    from bot.acts.sharing import receivers
    from bot.acts.sharing.addresses import BadAddress
    from conversations.plan.sharing.export_request import AUDIENCES

    if audience not in AUDIENCES:
        raise Misuse(f"--audience {audience!r} is not one of {', '.join(AUDIENCES)}")
    wanted = _kinds(kinds, audience)
    chosen, address = settings(), sys.stdin.readline() if url == "-" else url

    def work(actor: "Actor") -> "tuple[StoredEndpoint, str]":
        made, secret, news = receivers.add(actor, address, audience=audience, kinds=wanted, reach=chosen.reach)
        actor.tell(news)
        return made, secret

    try:
        made, secret = act(plan_code, work, at=chosen)
    except BadAddress as refused:
        raise Complaint(f"That address is not called: {REFUSED[refused.why]}.") from None
    print(f"{made.id}\t{secret}")
    talk(f"Receiver {made.id} at {made.host}, for {audience}. Its secret is not shown again.")


@app.command("test")
def try_receiver(receiver: ReceiverArgument, plan_code: PlanOption = "") -> None:
    """Send a receiver a ping and print its answer. Exit 1 if it did not accept the ping."""
    from bot.acts.sharing import receivers

    chosen = settings()
    ping = act(plan_code, lambda actor: receivers.ping(actor, _named(actor.unit, actor.plan_id, receiver)), at=chosen)
    answer = asyncio.run(_call(ping, chosen))
    print(f"{answer.reason or 'delivered'}\t{answer.status or '-'}")
    if answer.reason:
        raise Complaint(f"The receiver did not take it: {TROUBLE[answer.reason]}.")


TROUBLE = {
    "inside": "its name stands for an address inside the network; see ENLACE_EVENTS_INSIDE",
    "port": "its port is not one of those that are called; see ENLACE_EVENTS_PORTS",
    "dns": "there is no such name",
    "connect": "nobody listens there",
    "tls": "its certificate is not valid, or it speaks no TLS",
    "timeout": "it did not answer in ten seconds",
    "reset": "it broke the connection off",
    "redirect": "it sends us elsewhere, and no redirect is followed; give the address it names",
    "status": "it answered with a status that is not 2xx",
    "gone": "it answered 410: it is gone for good; once the other team has it back, see 'enlace events resume'",
    "keys": "its address is sealed under a key that is not in the keyring",
}
"""For the operator: the meaning of each code of `bot.workers.webhooks.REASONS`."""


async def _call(ping: "Claimed", chosen: "Settings") -> "Answer":
    from bot.cli.at_server import now
    from bot.workers.events import body_of
    from bot.workers.webhooks import call, calling
    from storage.database.vault import Vault
    from storage.messages.endpoints import target_of

    target = target_of(Vault.load(chosen.keys), ping)
    async with calling(chosen.reach) as session:
        return await call(session, target, ping.uid, body_of(ping), now)


@app.command()
def deliveries(
    receiver: ReceiverArgument,
    state: Annotated[str, typer.Option("--state", help="waiting, delivered or dead; all.")] = "",
    limit: Annotated[int, typer.Option("--limit", min=1, max=1000)] = 20,
    plan_code: PlanOption = "",
    as_json: JsonOption = False,
) -> None:
    """List the events that a receiver got, that wait for it, or that could not be delivered, newest first."""
    from storage.messages.endpoints import STATES

    chosen = settings()
    if state and state not in STATES:
        raise Misuse(f"--state {state!r} is not one of {', '.join(STATES)}")

    def rows(unit: "UnitOfWork", plan: "Plan") -> list[Row]:
        one = _named(unit, plan.id, receiver)
        found = unit.event_deliveries.latest(one, states=(state,) if state else STATES, limit=limit)
        return [
            {
                "id": each.uid,
                "kind": each.kind,
                "at": local(each.at, chosen),
                "state": each.state,
                "tries": each.tries,
                "status": each.status,
                "reason": each.reason,
                "next": local(each.next_at, chosen) if each.state == "waiting" else None,
            }
            for each in found
        ]

    print_rows(look(plan_code, rows, at=chosen), as_json)


@app.command()
def replay(
    receiver: ReceiverArgument,
    only: Annotated[
        str, typer.Option("--only", metavar="ID", help="This event alone: its id in 'enlace events deliveries'.")
    ] = "",
    plan_code: PlanOption = "",
) -> None:
    """Queue again what could not be delivered, with the same numbers and in the same order."""
    from bot.acts.sharing import receivers

    def work(actor: "Actor") -> int:
        one = _named(actor.unit, actor.plan_id, receiver)
        if not only:
            return receivers.replay(actor, one)
        dead = actor.unit.event_deliveries.latest(one, states=("dead",), limit=None)
        found = [each.id for each in dead if each.uid == only]
        if not found:
            raise Complaint(f"Nothing is dead under that id: see 'enlace events deliveries {receiver} --state dead'.")
        return receivers.replay(actor, one, found)

    talk(f"{act(plan_code, work)} events wait anew.")


@app.command("kinds")
def choose_kinds(
    receiver: ReceiverArgument,
    kinds: Annotated[str, typer.Argument(metavar="KINDS", help="Kinds of events, separated by commas, or 'all'.")],
    plan_code: PlanOption = "",
) -> None:
    """Choose which kinds of events a receiver gets from now on. What waits for it already is still sent."""
    from bot.acts.sharing import receivers

    def work(actor: "Actor") -> int:
        one = _named(actor.unit, actor.plan_id, receiver)
        wanted = _kinds("" if kinds == "all" else kinds, one.audience)
        receivers.choose(actor, one, wanted)
        return len(wanted)

    talk(f"Receiver {receiver} is told of {act(plan_code, work)} kinds of events from now on.")


@app.command()
def pause(receiver: ReceiverArgument, plan_code: PlanOption = "") -> None:
    """Pause a receiver: it is not called, and events wait for it."""
    from bot.acts.sharing import receivers

    if not _act_on(receiver, receivers.pause, plan_code):
        raise Complaint(f"Receiver {receiver} is paused already.")
    talk(f"Receiver {receiver} is paused.")


@app.command()
def resume(receiver: ReceiverArgument, plan_code: PlanOption = "") -> None:
    """End a receiver's pause: send it what waits, and what happens from now on."""
    from bot.acts.sharing import receivers

    if not _act_on(receiver, receivers.resume, plan_code):
        raise Complaint(f"Receiver {receiver} is not paused.")
    talk(f"Receiver {receiver} is told what waited.")


@app.command()
def remove(receiver: ReceiverArgument, plan_code: PlanOption = "") -> None:
    """Remove a receiver. It gets nothing more, also nothing that waits for it."""
    from bot.acts.sharing import receivers

    _act_on(receiver, receivers.remove, plan_code)
    talk(f"Receiver {receiver} is removed.")


def _act_on(receiver: int, do: "Callable[[Actor, StoredEndpoint], T]", plan_code: str) -> T:
    return act(plan_code, lambda actor: do(actor, _named(actor.unit, actor.plan_id, receiver)))


def _kinds(words: str, audience: str) -> "Collection[str]":
    from conversations.plan.sharing.events import kinds_for, read_kinds

    try:
        return read_kinds(words.split(","), audience)
    except ValueError as stray:
        known = ", ".join(kinds_for(audience))
        raise Misuse(f"{str(stray)!r} is no kind of event for {audience}; there are {known}") from None


def _named(unit: "UnitOfWork", plan_id: int, receiver: int) -> "StoredEndpoint":
    from storage.errors import NotFound

    try:
        return unit.endpoints.get(plan_id, receiver)
    except NotFound:
        raise Complaint(f"There is no receiver {receiver}: see 'enlace events list'.") from None
