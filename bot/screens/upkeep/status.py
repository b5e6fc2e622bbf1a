"""/estado: whether everything is well, and what is not."""

from bot.acts.upkeep.status import SHAPES, look, readings, sentence
from bot.chat.exchange import Exchange
from bot.schedule.resuming import resume
from conversations.card import Button, Card, Line, bold, home_button, italic, line
from conversations.dates import day_and_hour
from conversations.routes import Route, tap


# ------------------------------------------------------------------ to whom it is told
def status(ex: Exchange, act: str) -> None:
    """/estado: show whether everything works, and what does not.

    For a restored database, show the button that releases it.
    """
    say = ex.say
    if act == "resume":
        resume(ex.unit, ex.now, by=ex.person.id)
    seen = look(ex.unit, ex.now, is_answering=True)
    found = readings(seen)
    worst = found[0][1].state
    at = day_and_hour(ex.now, ex.zone, ex.language)
    lines: list[Line] = [line(bold(f"{SHAPES[worst]} {say(f'status.all.{worst}')}")), line(italic(at)), line("")]
    for name, reading in found:
        word = "" if reading.state == "good" else f"{say(f'status.word.{reading.state}')}{say.colon}"
        lines.append(line(f"{SHAPES[reading.state]} {word}{sentence(name, reading, say, ex.zone)}"))
    again = Button(say("status.again"), tap(Route.STATUS))
    speak = ((Button(say("restored.resume"), tap(Route.STATUS, "resume"), "primary"),),) if seen.hold else ()
    ex.answer(Card(tuple(lines), (*speak, (again,), (home_button(say),))))
