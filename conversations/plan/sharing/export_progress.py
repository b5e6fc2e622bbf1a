"""The cards about an export: while it is made, when it is sent, and how it ended."""

from collections.abc import Sequence
from dataclasses import dataclass

from conversations.card import Button, Card, Line, bold, home_button, line
from conversations.plan.model import Role
from conversations.plan.sharing.export_request import (
    NAMED,
    PAGE,
    Choice,
    audience_name,
    narrowed,
    period_label,
    where_in_words,
)
from conversations.routes import Route, tap
from conversations.wording import Wording

BAR = 12


def title(choice: Choice, say: Wording) -> str:
    """Return a title such as "Reportes · Excel · 3.er trimestre 2018"."""
    names = [say(f"export.data.{choice.dataset}"), say(f"export.format.{choice.format}")]
    return " · ".join([*names, *([period_label(choice.period, say)] if choice.period else [])])


def working_card(choice: Choice, number: int, done: int, total: int, say: Wording) -> Card:
    """Show the progress. It has no number before the first row is written, because that would be a guess."""
    lines = [line(bold(title(choice, say)))]
    if total:
        filled = BAR * min(done, total) // total
        percent = 100 * min(done, total) // total
        lines += [line("█" * filled + "░" * (BAR - filled) + f" {say.percent(percent)}"), line(say("export.working"))]
    else:
        lines.append(line(say("export.waiting")))
    return Card(tuple(lines), ((Button(say("export.stop"), tap(Route.EXPORT, "stop", number)),),))


def sending_card(choice: Choice, parts: int, say: Wording) -> Card:
    text = say("export.sending") if parts == 1 else say("export.sending_parts", n=parts)
    return Card((line(bold(title(choice, say))), line(text)))


def done_card(choice: Choice, count: int, lacking: Sequence[str], say: Wording) -> Card:
    rows = say("export.done_one") if count == 1 else say("export.done", n=count)
    lines = [line(bold(f"✓ {title(choice, say)}")), line(say("export.done_page") if choice.format == PAGE else rows)]
    if lacking:
        lines.append(line(say("export.lacking", n=len(lacking))))
        lines += [line(f"• {each[:80]}") for each in lacking[:NAMED]]
    return Card(tuple(lines), (_on(say),))


def doubt_card(choice: Choice, number: int, say: Wording, *, is_refused: bool = False) -> Card:
    """Say that the file did not arrive, or that nobody knows. It is never sent again by itself (G7)."""
    text = say("export.not_delivered" if is_refused else "export.in_doubt")
    again = (Button(say("export.again"), tap(Route.EXPORT, "again", number), "primary"),)
    return Card((line(bold(title(choice, say))), line(text)), (again, _on(say)))


def ended_card(choice: Choice, reason: str, say: Wording) -> Card:
    """Show how an export ended, and what to do next.

    It was `cancelled`, `revoked`, `replanned`, `too_large`, or `failed`, or there is `nothing` in it.
    """
    return Card((line(bold(title(choice, say))), line(say(f"export.{reason}"))), (_on(say),))


def _on(say: Wording) -> tuple[Button, ...]:
    return (Button(say("export.another"), tap(Route.EXPORT)), home_button(say))


@dataclass(frozen=True, slots=True)
class Made:
    """A file that was made: the request, the plan's name, how many rows, and when."""

    choice: Choice
    plan: str
    count: int
    at: str
    role: Role | None = None
    """The role of who asked."""


def caption(made: Made, say: Wording) -> tuple[Line, ...]:
    """Write the words under a file: filter, time, audience and rows."""
    choice, count, at = made.choice, made.count, made.at
    lines = [line(bold(title(choice, say))), line(made.plan)]
    if where := where_in_words(choice, say):
        lines.append(line(where))
    lines += map(line, narrowed(choice, say))
    lines.append(line(f"{say('export.who')}{say.colon}{audience_name(choice.audience, made.role, say)}"))
    rows = say("export.made_one", at=at) if count == 1 else say("export.made", n=count, at=at)
    lines.append(line(at if choice.format == PAGE else rows))
    return tuple(lines)


def part_lines(number: int, parts: int, agency: str, say: Wording) -> tuple[Line, ...]:
    """Say which part of several a file is, and which agencies are in it. Nothing if there is one part."""
    if parts == 1:
        return ()
    part = line(say("export.part", number=number, parts=parts))
    if not agency:
        return (part,)
    codes = agency.split(",")
    shown = ", ".join(codes[:NAMED]) + (f" +{len(codes) - NAMED}" if len(codes) > NAMED else "")
    return (part, line(shown))
