"""A walk through the screens that the shipped forms do not have."""

from collections.abc import Iterator

from conversations.card import Card
from conversations.wording import wording
from tests.conversations.session.phone import Phone
from tests.forms import compiled

FORM = """
| survey |
| | type | name | label | required | repeat_count | appearance | parameters |
| | begin repeat | person | Persona | | | | |
| | text | name | ¿Cómo se llama? | yes | | | |
| | integer | age | ¿Qué edad tiene? | | | | |
| | begin repeat | pet | Mascota | | | | |
| | text | petname | ¿Nombre de la mascota? | | | | |
| | end repeat | | | | | | |
| | end repeat | | | | | | |
| | integer | n | ¿Cuántas visitas? | | | | |
| | begin repeat | visit | Visita | | ${n} | | |
| | dateTime | at | ¿Cuándo fue? | | | | |
| | end repeat | | | | | | |
| | begin group | land | Terreno | | | field-list | |
| | date | since | ¿Desde qué mes? | | | month-year | |
| | date | born | ¿Desde qué año? | | | year | |
| | date | day | ¿Qué día? | | | no-calendar | |
| | time | hour | ¿A qué hora? | | | | |
| | end group | | | | | | |
| | geoshape | shape | ¿Qué terreno es? | | | | |
| | range | trust | ¿Cuánta confianza? | | | | start=0 end=100 step=1 |
| | rank needs | rank | ¿En qué orden? | | | | |
| settings |
| | form_title | form_id |
| | El hogar | home |
| choices |
| | list_name | name | label |
| | needs | water | Agua |
| | needs | food | Comida |
"""


def walk(language: str) -> Iterator[tuple[str, Card]]:
    """Every new screen once, in the order one meets them."""
    say = wording(language)
    done = say("words.done").split("|")[0]
    phone = Phone(compiled(FORM).form, language)
    yield "the first question of an instance", phone.card
    phone.say("Ana").say("34")
    yield "of an inner repeat", phone.card
    yield "behind the inner repeat", phone.say("Fido").card
    yield "behind the outer one", phone.tap("form:done").card
    yield "a new instance", phone.tap("form:add").card
    phone.say("Luis").say("5")
    yield "none yet", phone.card
    phone.tap("form:done")
    yield "which to edit", phone.tap("form:which:edit").card
    yield "its answers", phone.tap("form:change:1").card
    phone.tap("form:back")
    yield "which to remove", phone.tap("form:which:remove").card
    yield "what would go", phone.tap("form:remove:1").card
    phone.tap("form:cancel")
    yield "a number that is not there", phone.say(f"{say('words.edit').split('|')[0]} 7").card
    yield "not understood", phone.say("¿¿??").card
    phone.say(done).say("2")
    yield "counted: the day", phone.card
    yield "the hour", phone.tap("form:day:2018-10-02").card
    yield "the minute", phone.tap("form:gather:09").card
    phone.tap("form:minute:30").tap("form:skip")
    yield "a month", phone.card
    yield "a year", phone.tap("form:day:2018-08-01").card
    yield "without a calendar", phone.tap("form:day:2010-01-01").card
    yield "a time", phone.say("2018-10-02").card
    phone.tap("form:gather:07").tap("form:minute:05")
    yield "a shape", phone.card
    yield "one point", phone.locate(18.5, -69.9, 5).card
    yield "too few", phone.say(done).card
    yield "enough", phone.locate(18.6, -69.8).locate(18.4, -69.7).card
    yield "a stepper", phone.say(done).card
    yield "stepped", phone.tap("form:gather:10").card
    yield "a rank", phone.tap("form:value:10").card
    yield "ranked in part", phone.tap("form:on:1").card
    yield "review", phone.tap("form:on:0").card
    yield "which answer to change", phone.tap("form:list").card
