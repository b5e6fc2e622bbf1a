"""The late activities, for everybody who looks at the whole plan: a text at rest leads here ("what is late?")."""

from bot.chat.exchange import Exchange
from bot.screens.plan.digests import show_in_place, standing_for, view_of
from conversations.card import Button, Card, home_button, in_rows
from conversations.plan.messages.late import LISTED, count_after, late_activities, late_lines, shown_on
from conversations.routes import Route, tap

IN_A_ROW = 4


def late(ex: Exchange, page: int) -> None:
    """Show a page of the late activities as this role may see them; a button for each, and for those that follow."""
    found = standing_for(ex)
    ones = late_activities(found)
    buttons = [Button(one.each.code, tap(Route.ACTIVITY, one.each.code)) for one in shown_on(ones, page)]
    rows = in_rows(buttons, IN_A_ROW)
    if left := count_after(ones, page):
        rows.append((Button(ex.say("digest.more", n=left), tap(Route.LATE, page + 1)),))
    elif len(ones) > LISTED:
        rows.append((Button(ex.say("late.first"), tap(Route.LATE, 0)),))
    rows.append((Button(ex.say("digest.back"), tap(Route.DIGEST, 0)), home_button(ex.say)))
    show_in_place(ex, Card(late_lines(ones, page, found, ex.say, is_public=view_of(ex).is_public), tuple(rows)))
