"""Forms of a few lines and instances of them, for tests of what their rules say."""

import json
from datetime import UTC, datetime
from textwrap import dedent

from conversations.authoring.xlsform import read_xlsform
from conversations.xforms.form import Form
from conversations.xforms.instance import Filling, Instance

NOW = datetime(2018, 10, 3, 12, 0, tzinfo=UTC)


def form(markdown: str, **media: bytes) -> Form:
    return read_xlsform(dedent(markdown).encode(), "test.md", media=media).form


def start(made: Form, **values: str) -> Instance:
    return Instance.start(made, Filling("abc", NOW, "America/Santo_Domingo", made.default_language), values=values)


def reloaded(instance: Instance) -> Instance:
    """The instance as the next message finds it: through JSON and back."""
    state = json.loads(json.dumps(instance.dump()))
    return Instance.restore(
        instance.form, state, now=instance.now, timezone=instance.timezone, language=instance.language
    )


def values(instance: Instance, name: str) -> list[str]:
    return [choice.value for choice in instance.choices(instance.node(name))]


# --- repeats -------------------------------------------------------------------------------------------------
REPEATS = """
| survey |
| | type | name | label | calculation | relevant | repeat_count | constraint |
| | begin repeat | visit | Visit | | | | |
| | text | place | Place | | | | |
| | integer | met | People met at ${place} | | | | . < 100 |
| | calculate | nth | | position(..) | | | |
| | text | remark | Remark | | ${met} > 10 | | |
| | end repeat | | | | | | |
| | calculate | visits | | count(${visit}) | | | |
| | calculate | total | | sum(${met}) | | | |
| | calculate | first | | indexed-repeat(${place}, ${visit}, 1) | | | |
| | calculate | places | | join(', ', ${place}) | | | |
| | integer | n | How many staff? | | | | |
| | begin repeat | staff | Staff | | | ${n} | |
| | text | sname | Name | | | | |
| | end repeat | | | | | | |
"""


def two_visits() -> Instance:
    instance = start(form(REPEATS))
    instance.answer("/data/visit[1]/place", "Azua")
    instance.answer("/data/visit[1]/met", "12")
    instance.add("/data/visit")
    instance.answer("/data/visit[2]/place", "Baní")
    instance.answer("/data/visit[2]/met", "3")
    return instance


TRANSLATED = """
| survey |
| | type | name | label::Español (es) | label::English (en) | constraint | constraint_message::Español (es) |
| | integer | n | ¿Cuántas? | How many? | . > 0 | Más de cero |
| | select_one c | color | Color de ${n} | Colour of ${n} | | |
| | begin group | g | Grupo | Group | | |
| | text | t | Texto | Text | | |
| | end group | | | | | |
| choices |
| | list_name | name | label::Español (es) | label::English (en) |
| | c | r | Rojo | Red |
| settings |
| | default_language | form_title | version |
| | Español (es) | Prueba | 7 |
"""
