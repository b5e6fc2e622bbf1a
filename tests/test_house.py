"""House rules that no single part can keep alone: the same words everywhere, one door for settings, floors in order.

What is written twice drifts apart: a key in the code and in three catalogues, a setting and its example, a
label in three languages. Each rule here compares two such places; there is nothing to keep up by hand.
"""

import ast
import functools
import gc
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from importlib.resources import files
from io import BytesIO
from pathlib import Path
from string import Formatter

import openpyxl
import pytest
from babel.messages.pofile import read_po

from bot.acts.reports.coverage import shipped_forms
from bot.errors import Complaint
from bot.settings import Settings, read_settings
from conversations.language_check import CHAT, MESSAGE_LIMIT, button_limits
from conversations.languages import LANGUAGES, tables
from conversations.plan.sharing.events import KINDS as EVENT_KINDS
from conversations.wording import catalogue
from conversations.xforms.workbook import read_book
from storage.database.audit import AUDITED_ACTS
from storage.imports.reading import read_plan
from storage.seed import seed_workbook
from tests import ROOT
from tests.families import families

PACKAGES = ("bot", "conversations", "storage")
CATALOGUES = {language: catalogue(language) for language in LANGUAGES}
BUTTON_LIMIT = 30
"""docs/domain.md#words-in-the-chat: nothing wider fits."""

NOT_KEYS = re.compile(
    r"(plan|form|event|unit)\.(id|xlsx)|(language|periods)\.po|"
    + "|".join(map(re.escape, (*AUDITED_ACTS, *EVENT_KINDS)))
)
"""Columns, file names, facts, audited acts and kinds of events that look like keys."""


@functools.cache
def sources() -> tuple[tuple[Path, ast.Module], ...]:
    """Read when they are asked for: every process of the suite imports this file, and one of them needs them."""
    gc.disable()
    try:
        return tuple((path, ast.parse((ROOT / path).read_text("utf-8"))) for path in code())
    finally:
        gc.freeze()  # none of 700 000 nodes becomes garbage: to look through them took half of the time
        gc.enable()


def code() -> Iterator[Path]:
    for package in PACKAGES:
        yield from (path.relative_to(ROOT) for path in sorted((ROOT / package).rglob("*.py")))


Named = ast.Call | ast.FunctionDef | ast.AsyncFunctionDef


@functools.cache
def named() -> tuple[tuple[Path, Named], ...]:
    """Every call and function, and the file it stands in: all trees are walked once for all rules."""
    return tuple((path, node) for path, tree in sources() for node in ast.walk(tree) if isinstance(node, Named))


def calls() -> Iterator[tuple[Path, ast.Call]]:
    return ((path, node) for path, node in named() if isinstance(node, ast.Call))


@functools.cache
def all_literals() -> tuple[tuple[Path, str], ...]:
    """Every literal of the code, and the file it stands in."""
    return tuple((path, text) for path, tree in sources() for text in literals(tree))


def pattern_of(node: ast.JoinedStr) -> str:
    return "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values)


def literals(node: ast.AST) -> Iterator[str]:
    """The whole string literals in this expression, and the shapes of its f-strings."""
    if isinstance(node, ast.JoinedStr):
        yield pattern_of(node)
        return
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    chosen = [node.body, node.orelse] if isinstance(node, ast.IfExp) else ast.iter_child_nodes(node)
    for child in chosen:
        yield from literals(child)


def is_saying(node: ast.Call) -> bool:
    """`say(…)`, `ex.say(…)`, `self.say(…)` or `wording(language)(…)`."""
    called = node.func
    match called:
        case ast.Name("say") | ast.Attribute(_, "say"):
            return True
        case ast.Call(ast.Name("wording")):
            return True
    return False


@functools.cache
def said() -> tuple[tuple[str, str, ast.Call], ...]:
    """Where, which key, and the call, for every key that is spelt out where it is said."""
    return tuple(
        (f"{path}:{node.lineno}", key, node)
        for path, node in calls()
        if path.parts[:2] != ("bot", "sandbox")  # its `say` is a person's
        if node.args and is_saying(node)
        for key in literals(node.args[0])
    )


def fields(sentence: str) -> set[str]:
    return {field for _, field, _, _ in Formatter().parse(sentence) if field is not None}


# ------------------------------------------------------------------ settings
def test_env_example_names_exactly_the_settings() -> None:
    """Who copies .env.example sees every setting there is, and none that is not read."""
    lines = (ROOT / ".env.example").read_text("utf-8").splitlines()
    named = [line.partition("=")[0] for line in lines if line and not line.startswith("#")]
    assert sorted(named) == sorted(f"ENLACE_{name.upper()}" for name in Settings.model_fields)


def test_env_example_shows_the_defaults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Copied unchanged, it changes nothing."""
    shutil.copy(ROOT / ".env.example", tmp_path / ".env")
    monkeypatch.chdir(tmp_path)
    assert read_settings().model_dump() == Settings().model_dump()


def test_every_language_can_be_the_plans_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """ENLACE_LANGUAGE takes what the catalogues have, and nothing else."""
    for language in LANGUAGES:
        monkeypatch.setenv("ENLACE_LANGUAGE", language)
        assert read_settings().language == language
    monkeypatch.setenv("ENLACE_LANGUAGE", "xx")
    with pytest.raises(Complaint, match=", ".join(LANGUAGES)):
        read_settings()


# ------------------------------------------------------------------ what the bot says
def test_every_sentence_is_said_somewhere() -> None:
    """What nobody says is translated into each language for nothing. A key is spelt out, or made from a shape."""
    told, shapes = set[str](), set[str]()
    for _, tree in sources():
        for node in ast.walk(tree):
            if isinstance(node, ast.JoinedStr):
                shapes.add(pattern_of(node))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                told.update((node.value, *re.findall(r"<([a-z_.]+)>", node.value)))
    shapes |= {text for text in told if "{}" in text}
    made = [re.escape(shape).replace(r"\{\}", ".+") for shape in shapes if re.match(r"[a-z_]+\.[a-z_.]*\{\}", shape)]
    endings = tuple(shape.removeprefix("{}") for shape in shapes if re.fullmatch(r"\{\}_[a-z]+", shape))
    is_made = re.compile("|".join(made)).fullmatch
    unsaid = [
        key
        for key in CATALOGUES[LANGUAGES[0]]
        if key not in told
        and not is_made(key)
        and not key.startswith(("said.", "named."))  # looked through by these words
        and not any(key.endswith(ending) and key.removesuffix(ending) in told for ending in endings)
    ]
    assert unsaid == []


def test_every_key_that_is_said_is_in_every_language() -> None:
    """A missing sentence would show its key to an officer."""
    missing = [
        f"{where} {language}: {key}"
        for where, key, _ in said()
        if "{}" not in key
        for language in LANGUAGES
        if key not in CATALOGUES[language]
    ]
    assert missing == []


def test_whatever_looks_like_a_key_is_one() -> None:
    """Keys travel through variables too (`Notice`, `NotUnderstood`, menus); a misspelt one must not."""
    spaces = {key.partition(".")[0] for key in CATALOGUES["es"]}
    looks_like_a_key = re.compile(r"[a-z]+(\.[a-z0-9_]+)+")
    wrong = [
        f"{path}: {text}"
        for path, text in all_literals()
        if path.parts[:3] != ("storage", "migrations", "versions")
        if looks_like_a_key.fullmatch(text) and text.partition(".")[0] in spaces
        if text not in CATALOGUES["es"] and not NOT_KEYS.fullmatch(text)
    ]
    assert wrong == []


def test_every_family_of_keys_is_whole() -> None:
    """Keys that are put together: each shape is declared above, with all that can stand in its gap."""
    shapes = {key for _, key, _ in said() if "{}" in key}
    whole = families()
    assert shapes <= whole.keys()
    missing = [
        f"{language}: {shape.format(member)}"
        for shape, members in whole.items()
        for member in members
        for language in LANGUAGES
        if shape.format(member) not in CATALOGUES[language]
    ]
    assert missing == []


def test_what_is_said_fills_every_gap_of_its_sentence() -> None:
    """A placeholder that the code does not fill would be an exception in the middle of an update."""
    wrong, whole = [], families()
    for where, key, call in said():
        if any(keyword.arg is None for keyword in call.keywords):
            continue  # values come from elsewhere
        given = {keyword.arg for keyword in call.keywords}
        keys = [shape.format(m) for shape in [key] for m in whole.get(key, ())] if "{}" in key else [key]
        for each in keys:
            if lacking := fields(CATALOGUES["es"].get(each, "")) - given:
                wrong.append(f"{where} {each}: {sorted(lacking)}")
    assert wrong == []


def test_all_languages_have_the_same_keys_and_gaps() -> None:
    """All languages are one catalogue; `{name}` is `{name}` in all of them, save in the phrases that are understood."""
    for language in LANGUAGES:
        assert CATALOGUES[language].keys() == CATALOGUES["es"].keys()
        for key, sentence in CATALOGUES[language].items():
            assert key in tables("es") or fields(sentence) == fields(CATALOGUES["es"][key]), (language, key)


def test_no_key_is_told_twice() -> None:
    """All files of a folder make one catalogue: the same key in two of them would hide one sentence."""
    for language in LANGUAGES:
        folder = files("conversations") / "locales" / language
        keys: list[str] = []
        for resource in folder.iterdir():
            with resource.open("rb") as file:
                keys += [str(message.id) for message in read_po(file, abort_invalid=True) if message.id]
        assert len(keys) == len(set(keys)), language


def test_every_problem_has_its_sentence_and_remedy() -> None:
    """An author's mistake is told with what to do about it, in each language."""
    codes = {
        key.partition(".")[2]
        for language in LANGUAGES
        for key in CATALOGUES[language]
        if key.startswith(("problem.", "remedy."))
    }
    for path, node in calls():
        match node.func:
            case _ if not node.args:
                continue  # made of what another process told: its code is written where it was found
            case ast.Name("Problem"):
                codes |= {text for text in literals(node.args[0]) if "{}" not in text}
            case ast.Name("ExpressionError"):
                codes |= {f"expression.{text}" for text in literals(node.args[0])}
            case ast.Attribute(_, "problem") if path.parts[0] == "conversations":
                codes |= {text for text in literals(node.args[0]) if "{}" not in text}
            case ast.Attribute(_, "_say") if path.name == "imports.py":
                codes |= {f"plan.{text}" for text in literals(node.args[0])}
    assert len(codes) > 50
    missing = [
        f"{language}: {kind}.{code}"
        for code in codes
        for kind in ("problem", "remedy")
        for language in LANGUAGES
        if f"{kind}.{code}" not in CATALOGUES[language]
    ]
    assert missing == []


def test_no_sentence_in_the_chat_is_too_long_to_be_read() -> None:
    """docs/domain.md#words-in-the-chat: at most 330 characters."""
    long = []
    for language in LANGUAGES:
        for name in CHAT:
            with (files("conversations") / "locales" / language / name).open("rb") as file:
                long += [
                    f"{language}: {message.id}: {len(str(message.string))}"
                    for message in read_po(file)
                    if message.id and len(str(message.string)) > MESSAGE_LIMIT
                ]
    assert long == []


def buttons() -> set[str]:
    """The keys that are the text of a button."""
    keys = {key for key in CATALOGUES["es"] if key.startswith("nav.")}
    for _, node in calls():
        if isinstance(node.func, ast.Name) and node.func.id == "Button":
            keys |= {key for key in literals(node.args[0]) if key in CATALOGUES["es"]}
    return keys


def test_no_button_is_too_wide() -> None:
    """docs/domain.md#words-in-the-chat: at most 30 characters, what it is filled with left out."""
    keys = buttons()
    assert {"nav.back", "menu.home", "form.same", "form.send"} <= keys
    wide = [
        f"{language}: {key}: {CATALOGUES[language][key]}"
        for language in LANGUAGES
        for key in keys
        if len(re.sub(r"\{\w+\}", "", CATALOGUES[language][key])) > BUTTON_LIMIT
    ]
    assert wide == []


def test_the_catalogue_marks_its_buttons() -> None:
    """Who translates sees how much a button holds, and `enlace language check` knows it without reading our code."""
    assert button_limits() == dict.fromkeys(buttons(), BUTTON_LIMIT)


def test_a_button_is_made_by_the_functions_of_routes() -> None:
    """`tap` and `form_tap` alone write what stands on a button, so that a route or an action cannot be misspelt."""
    home = Path("conversations", "routes.py")
    wrong = [
        f"{path}: {text}" for path, text in all_literals() if path != home and text.startswith(("command:", "form:"))
    ]
    assert wrong == []


# ------------------------------------------------------------------ the shipped forms
@pytest.mark.parametrize("resource", sorted(r.name for r in (files("conversations") / "forms").iterdir()))
def test_every_label_of_a_shipped_form_is_in_every_language(resource: str) -> None:
    """Labels, hints and messages: whatever one language has, all have."""
    data = (files("conversations") / "forms" / resource).read_bytes()
    workbook = openpyxl.load_workbook(BytesIO(data))
    lacking = []
    for name in ("survey", "choices"):
        sheet = workbook[name]
        header = [str(cell.value or "") for cell in sheet[1]]
        translated = {column.partition("::")[0] for column in header if "::" in column and "(" in column}
        assert "label" in translated
        for base in translated:
            columns = {
                next(i for i, title in enumerate(header) if title.startswith(f"{base}::") and f"({language})" in title)
                for language in LANGUAGES
            }
            assert len(columns) == len(LANGUAGES)
            for row in sheet.iter_rows(min_row=2):
                filled = {bool(str(row[i].value or "").strip()) for i in columns}
                if filled == {True, False}:
                    lacking.append(f"{name} row {row[0].row}: {base}")
    assert lacking == []


# ------------------------------------------------------------------ the repository
def kept_files() -> list[Path]:
    """What is, or would be, in the repository."""
    if not (ROOT / ".git").exists():
        pytest.skip("no repository here: which files belong to it is not known")
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout.decode()
    return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]


def texts_of(path: Path) -> Iterator[str]:
    data = path.read_bytes()
    yield data.decode("utf-8", "replace")
    if data.startswith(b"PK\x03\x04"):
        with zipfile.ZipFile(BytesIO(data)) as archive:
            for member in archive.namelist():
                yield archive.read(member).decode("utf-8", "replace")


def test_no_file_knows_the_machine_it_was_made_on() -> None:
    """Neither somebody's folder nor an index of packages: the project works anywhere or it does not work."""
    machine = re.compile(
        rf"{re.escape(str(ROOT))}\b|/home/[a-z]\w+/|/Users/[A-Za-z]\w+/|[A-Z]:\\Users\\"
        r"|--(extra-)?index-url[ =]|index[-_]url *=|https?://[^\s\"'<>]+/simple\b|PIP_INDEX|UV_INDEX"
    )
    this = Path(__file__)
    told = [
        f"{path.relative_to(ROOT)}: {found.group()}"
        for path in kept_files()
        if path != this
        for text in texts_of(path)
        if (found := machine.search(text))
    ]
    assert told == []


def test_no_code_knows_the_shipped_plan() -> None:
    """A plan of another country has other codes: what only the shipped one has stands in its workbook alone.

    The demonstration plays that plan, its tour on the sandbox's page with it; a migration tells of its own day.
    """
    draft = read_plan(seed_workbook())
    codes = {draft.code, *(code for table in ("objective", "indicator", "activity") for code in draft.rows[table])}
    codes |= {code for code in draft.rows["agency"] if len(code) > 3}  # PN is two letters of any word
    named = re.compile(rf"(?<![\w-])(?:{'|'.join(map(re.escape, sorted(codes)))})(?![\w-])")
    apart = ("storage/seed/", "storage/migrations/versions/", "bot/demo/", "bot/sandbox/page/steps.js")
    found = [
        f"{name}: {known[0]}"
        for package in PACKAGES
        for path in sorted((ROOT / package).rglob("*"))
        if path.suffix in (".py", ".po", ".js", ".html", ".csv", ".json")
        and not (name := path.relative_to(ROOT).as_posix()).startswith(apart)
        if (known := named.search(path.read_text("utf-8")))
    ]
    assert found == []


HALF_A_SENTENCE = re.compile(
    r"(?:After|Also|As|At|Before|Both|By|For|From|How|If|In|It|Its|Nobody|None|Nothing|Of|On|Since|Somebody|There|Those|To"
    r"|Until|What|When|Where|While|Who|Whoever|Whom|Whose|With|Without)\b"
)


def test_a_function_says_first_what_it_does_or_returns() -> None:
    """A verb, `Whether`, or a noun: not half a sentence (docs/decisions/code-and-docs.md)."""
    found = [
        f"{path}:{node.lineno} {said}"
        for path, node in named()
        if not isinstance(node, ast.Call) and HALF_A_SENTENCE.match(said := ast.get_docstring(node) or "")
    ]
    assert found == []


def test_a_module_of_more_than_600_lines_says_why() -> None:
    """What cannot be held in the head is split, or its docstring says why it is long."""
    long = [path for path, _ in sources() if (ROOT / path).read_text("utf-8").count("\n") > 600]
    assert [str(path) for path in long if " long" not in (ast.get_docstring(dict(sources())[path]) or "")] == []


def test_the_shipped_forms_and_code_name_no_country() -> None:
    """Whoever is counted apart, and whose forms these are, is the plan's to say: another country publishes them too."""
    people = re.compile(r"\bCITIM\b|dominican|haitian|venezuelan|dominikèn|ayisyen|haïtien", re.IGNORECASE)
    told = [
        f"{name} · {sheet.name}: {found[0]}"
        for name, data in shipped_forms()
        for sheet in read_book(data, ("survey", "choices", "settings")).sheets
        for _, row in sheet.rows
        for text in row.values()
        if (found := people.search(text.replace("Kreyòl ayisyen", "")))
    ]
    apart = ("storage/migrations/versions/", "bot/demo/", "bot/sandbox/")
    told += [
        f"{name}: {found[0]}"
        for package in PACKAGES
        for path in sorted((ROOT / package).rglob("*.py"))
        if not (name := path.relative_to(ROOT).as_posix()).startswith(apart)
        if (
            found := people.search(
                re.sub("Haitian Creole|the Dominican Republic", "", path.read_text("utf-8"), flags=re.IGNORECASE)
            )
        )
    ]
    assert told == []


def test_a_floor_knows_only_the_floors_below() -> None:
    """bot → storage → conversations, and what is asked and said imports no I/O and no clock."""
    linter = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([linter, "--no-cache", "--no-logo"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_conversations_have_no_clock_and_no_chance() -> None:
    """The same event on the same session always gives the same step: `now` is passed in, identifiers arrive."""
    banned = re.compile(r"(datetime|date)\.(now|today|utcnow)|time\.(time|monotonic)|uuid\.uuid\d|random\.\w+|open")
    wrong = [
        f"{path}:{node.lineno} {ast.unparse(node.func)}"
        for path, node in calls()
        if path.parts[0] == "conversations" and banned.fullmatch(ast.unparse(node.func))
    ]
    assert wrong == []
