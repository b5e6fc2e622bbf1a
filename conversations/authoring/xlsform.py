"""A workbook becomes a form, or a list of all its problems, each with its cell and its remedy.

People who are not programmers write forms in Excel. pyxform, which turns the workbook into an XForm, stops at its first
complaint and does not look inside expressions (`${a} > 1 and (` converts without a word). On some broken workbooks it
fails with a bare TypeError. So every row is checked here first. Then pyxform converts the workbook. Then the XForm is
read and compiled, and problems found only there are traced back to their row.

Laws: all problems at once, never only the first. If a chat does something differently or not at all, a note or a
warning says so. No exception but AuthorError leaves `read_xlsform`, whatever the file.
"""

import difflib
import io
import re
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count

from pyxform.errors import PyXFormError
from pyxform.question_type_dictionary import QUESTION_TYPE_DICT
from pyxform.xls2json_backends import Definition, SupportedFileTypes
from pyxform.xls2xform import convert

from conversations.authoring.completing import complete
from conversations.authoring.guarded import never_answered, refused_contacts
from conversations.authoring.old_workbook import as_xlsx
from conversations.authoring.sheets import MAX_CHOICE_ROWS, MAX_SURVEY_ROWS, check_size, markdown_sheets
from conversations.authoring.trial import try_form
from conversations.xforms.conformance import Kind, feature
from conversations.xforms.document.read import read_xform
from conversations.xforms.form import CheckedForm, Form
from conversations.xforms.limits import FILE_BYTES, FILE_MB
from conversations.xforms.nodes import FrameType, Item, Place
from conversations.xforms.problems import AuthorError, Problem, Severity
from conversations.xforms.question_types import QUESTION_TYPES
from conversations.xforms.workbook import DAMAGE, OLE, Sheet, check_workbook, is_locked, read_checked
from conversations.xforms.xpath.compile import compile_expression
from conversations.xforms.xpath.expression import Surroundings
from conversations.xforms.xpath.syntax import ExpressionError

MAX_XFORM_TAGS = 1_000_000
"""Tags of an XForm. The largest real ones have some 200 000, most of them in choice lists."""
_HEADERS = {
    "relevance": "relevant", "calculate": "calculation", "readonly": "read_only", "count": "repeat_count",
    "jr:count": "repeat_count", "constraining_message": "constraint_message", "requiredmsg": "required_message",
    "constraint message": "constraint_message", "required message": "required_message", "caption": "label",
    "command": "type",
    "jr:constraintmsg": "constraint_message", "jr:requiredmsg": "required_message", "value": "name",
}  # fmt: skip
_EXPRESSIONS = ("relevant", "constraint", "calculation", "choice_filter", "required", "read_only", "repeat_count")
_TEXTS = ("label", "hint", "guidance_hint", "constraint_message", "required_message", "default", "parameters")
_YES_NO = frozenset({"yes", "no", "true", "false", "true()", "false()"})
_NAME = re.compile(r"[^\W\d][\w.\-]*(:[^\W\d][\w.\-]*)?")
_REFERENCE = re.compile(r"\$\{\s*((?:last-saved#)?)([^${}]*?)\s*\}")
_CONTROL = re.compile(r"(begin|end)[_\s](group|repeat|loop|lgroup|looped group)\b", re.IGNORECASE)
_SELECT = re.compile(
    r"(?:add\s+)?(select_one_from_file|select_multiple_from_file|select_one_external|select_one|select_multiple|select1|"
    r"select one from file|select multiple from file|select one external|select one|select all that apply|rank)"
    r"(?:\s+(?:prompt\s+)?(?:from|using))?\s+(\S+)(?:\s+(or[_ ]other|or specify other))?\s*$",
    re.IGNORECASE,
)
_UNNAMED = frozenset({"note"})
_NEEDS_NO_LABEL = frozenset({
    "calculate", "hidden", "start", "end", "today", "username", "deviceid", "phonenumber", "email", "audit",
    "start-geopoint", "background-audio", "background-geopoint", "csv-external", "xml-external", "simserial",
    "subscriberid", "imei",
})  # fmt: skip


def read_xlsform(data: bytes, file_name: str, *, media: Mapping[str, bytes] = {}) -> CheckedForm:
    """The form in a workbook (.xlsx, .xls), a Markdown XLSForm (.md) or an XForm (.xml).

    `media` are the files that belong to it, by name. AuthorError has every problem. Warnings and notes come with the
    form.
    """
    kind = file_name.rpartition(".")[2].casefold()
    stem = re.split(r"[/\\]", file_name)[-1].rpartition(".")[0]
    if len(data) > FILE_BYTES:
        values = {"size": -(-len(data) // 2**20), "limit": FILE_MB}
        raise AuthorError([Problem("workbook.too_big", values=values)])
    if kind == "xml":
        if data.count(b"<") > MAX_XFORM_TAGS:
            raise AuthorError([Problem("xform.too_many_nodes", values={"limit": MAX_XFORM_TAGS})])
        form = read_xform(data, media=media)
        if tried := try_form(form):
            raise AuthorError(tried)
        text = complete(data.decode("utf-8", "replace"), form)
        return CheckedForm(form, text, (*form.warnings, *never_answered(form), *refused_contacts(form), *_notes(form)))
    if kind in ("xls", "xlsx", "xlsm"):  # a file's name and its content differ often enough
        if data.startswith(OLE) and not is_locked(data):
            data, kind = as_xlsx(data), "xlsx"
        elif data.startswith(b"PK") and kind == "xls":
            kind = "xlsx"
    if kind == "md":
        sheets = markdown_sheets(data)
    elif kind in ("xlsx", "xlsm"):
        check_size(check_workbook(data))
        sheets = read_checked(data)
    else:
        if kind in ("xls", "xlsb", "csv", "tsv"):
            check_workbook(data)  # says what the file is, and how to save it
        raise AuthorError([Problem("xlsform.file_kind", values={"file": file_name})])
    return _Check(data, f".{kind}", stem, sheets, media).publish()


@dataclass(frozen=True, slots=True)
class _Row:
    """A row of a sheet, by the plain names of its columns. `letters` has the column letter of each cell."""

    sheet: str
    number: int
    cells: Mapping[str, tuple[tuple[str, str], ...]]
    """Plain column name → (text, column letter) of each such column: a label has one column for each language."""

    def get(self, column: str) -> str:
        found = self.cells.get(column)
        return found[0][0] if found else ""

    def letter(self, column: str) -> str:
        found = self.cells.get(column)
        return found[0][1] if found else column


class _Check:
    def __init__(self, data: bytes, kind: str, stem: str, sheets: Sequence[Sheet], media: Mapping[str, bytes]) -> None:
        self.data = data
        self.kind = kind
        self.stem = stem
        self.media = media
        self.problems: list[Problem] = [problem for sheet in sheets for problem in sheet.problems]
        by_name = {sheet.name.strip().casefold(): sheet for sheet in sheets}
        self.sheets = by_name
        survey = by_name.get("survey")
        if survey is None and len(sheets) == 1:
            survey = sheets[0]
        if survey is None:
            names = ", ".join(sheet.name for sheet in sheets)
            raise AuthorError([*self.problems, Problem("xlsform.no_survey", values={"sheets": names})])
        self.survey_name = survey.name
        self.headers = {_plain(header): letter for header, letter in reversed(survey.headers.items())}
        self.survey = [row for row in _rows(survey) if row.get("disabled").casefold() not in ("yes", "true")]
        self.choices = list(_rows(by_name["choices"])) if "choices" in by_name else []
        self.settings = next(_rows(by_name["settings"]), None) if "settings" in by_name else None
        self.names = {name for row in self.survey if (name := row.get("name"))}
        self.implied: set[str] = set()
        self.conformed: set[tuple[str, str]] = set()
        self._scaffold: tuple[Place, Surroundings] | None = None

    def problem(self, code: str, row: _Row, column: str, *, severity: Severity = "error", **values: object) -> None:
        self.tell(code, row, row.letter(column), severity=severity, **values)

    def publish(self) -> CheckedForm:
        self.check_sheets()
        if not self.has_errors():
            self.check_choices()
            self.check_survey()
            self.check_conformance()
        xform, told = self.convert()
        if xform is None:
            mine = {(p.sheet, p.row) for p in self.problems if p.severity == "error"}
            if told is not None and (not mine or (told.row is not None and (told.sheet, told.row) not in mine)):
                self.problems.append(told)
            raise AuthorError(self.sorted_problems())
        form: Form | None = None
        try:
            form = read_xform(xform, media=self.media)
            if not self.has_errors() and (tried := try_form(form)):
                raise AuthorError(tried)
            found: Sequence[Problem] = (*form.warnings, *_notes(form, appearances=False))
            if not self.has_errors():
                found = (*found, *never_answered(form), *refused_contacts(form))
        except AuthorError as error:
            found = error.problems
        for problem in found:
            self.add(self.traced(problem))
        if form is None or self.has_errors():
            raise AuthorError(self.sorted_problems())
        return CheckedForm(form, complete(xform, form), tuple(self.sorted_problems()))

    def has_errors(self) -> bool:
        return any(problem.severity == "error" for problem in self.problems)

    def sorted_problems(self) -> list[Problem]:
        rank = {"error": 0, "warning": 1, "note": 2}
        order = {name: number for number, name in enumerate([self.survey_name, "choices", "settings", ""])}
        return sorted(self.problems, key=lambda p: (rank[p.severity], order.get(p.sheet, 9), p.row or 0, p.column))

    def add(self, problem: Problem) -> None:
        """Add a problem of the XForm, unless the row has the same problem already."""
        kind = problem.code.removeprefix("expression.")
        for other in self.problems:
            is_same_place = (other.sheet, other.row, other.column) == (problem.sheet, problem.row, problem.column)
            if other == problem or (is_same_place and problem.row and other.code.removeprefix("expression.") == kind):
                return
        self.problems.append(problem)

    # The sheets

    def check_sheets(self) -> None:
        for column in ("type", "name"):
            if column not in self.headers:
                self.problems.append(Problem("xlsform.no_column", self.survey_name, 1, values={"name": column}))
        if len(self.survey) > MAX_SURVEY_ROWS or len(self.choices) > MAX_CHOICE_ROWS:
            limit = MAX_SURVEY_ROWS if len(self.survey) > MAX_SURVEY_ROWS else MAX_CHOICE_ROWS
            self.problems.append(Problem("xlsform.too_long", self.survey_name, values={"limit": limit}))
            raise AuthorError(self.sorted_problems())  # the converter would need minutes for it
        for name in self.sheets:
            if name not in ("survey", self.survey_name.casefold()):
                self.conform("sheet", name, self.sheets[name].name)
        if not self.survey and not self.has_errors():
            self.problems.append(Problem("xlsform.no_questions", self.survey_name))

    def conform(self, kind: Kind, name: str, sheet: str, row: int | None = None, letter: str = "") -> None:
        """Note how a chat treats this word differently, once for the form."""
        found = feature(kind, name)
        if found.support == "same" or (kind, name) in self.conformed:
            return
        self.conformed.add((kind, name))
        severity: Severity = "warning" if found.support == "unsupported" else "note"
        values = {"name": name, "way": found.way}
        self.problems.append(Problem(f"conform.{kind}", sheet, row, letter, values, severity))

    def check_conformance(self) -> None:
        """Note columns, appearances, parameters and settings that look different in a chat, at their first cell."""
        for row in self.survey:
            for column, cells in row.cells.items():
                self.conform("column", column, row.sheet, row.number, cells[0][1])
            for word in _appearances(row.get("appearance")):
                self.conform("appearance", word, row.sheet, row.number, row.letter("appearance"))
            for name in re.findall(r"([\w-]+)\s*=", row.get("parameters")):
                self.conform("parameter", name, row.sheet, row.number, row.letter("parameters"))
        if self.settings is not None:
            for column, cells in self.settings.cells.items():
                self.conform("setting", column, self.settings.sheet, self.settings.number, cells[0][1])

    def check_choices(self) -> None:
        seen: dict[tuple[str, str], int] = {}
        allow = self.settings is not None and self.settings.get("allow_choice_duplicates").casefold() in ("yes", "true")
        for row in self.choices:
            name, value = row.get("list_name"), row.get("name")
            if not name:
                if value or row.get("label"):
                    self.problem("choices.no_list_name", row, "list_name", severity="warning")  # in no list
                continue
            if not value:
                self.problem("choices.no_name", row, "name", list=name)
            elif (name, value) in seen and not allow:
                self.problem("choices.duplicate", row, "name", name=value, list=name, other=seen[name, value])
            seen.setdefault((name, value), row.number)
            for text, letter in row.cells.get("label", ()):
                self.check_references(text, row, letter)

    def lists(self) -> dict[str, list[_Row]]:
        found: dict[str, list[_Row]] = {}
        for row in self.choices:
            if row.get("list_name"):
                found.setdefault(row.get("list_name"), []).append(row)
        return found

    # The survey, row by row

    def check_survey(self) -> None:
        lists = self.lists()
        opened: list[tuple[_Row, str, dict[str, int]]] = []
        top: dict[str, int] = {}
        for row in self.survey:
            kind = " ".join(row.get("type").split())
            name = row.get("name")
            if not kind:
                if name or row.get("label"):
                    self.problem("survey.no_type", row, "type", name=name)
                continue
            control = _CONTROL.match(kind)
            scope = opened[-1][2] if opened else top
            if control is not None and control.group(1).casefold() == "end":
                ended = "repeat" if control.group(2).casefold() != "group" else "group"
                if not opened or opened[-1][1] != ended:
                    self.problem("survey.end_unmatched", row, "type", kind=ended)
                else:
                    opened.pop()
                continue
            self.check_name(row, name, scope, is_group=control is not None)
            if control is not None:
                begun = "repeat" if control.group(2).casefold() != "group" else "group"
                opened.append((row, begun, {}))
            else:
                self.check_type(row, kind, lists)
            self.check_row(row)
        for row, kind, _ in opened:
            self.problem("survey.begin_unmatched", row, "type", kind=kind, name=row.get("name"))

    def check_name(self, row: _Row, name: str, scope: dict[str, int], *, is_group: bool) -> None:
        if not name:
            if row.get("type").casefold() not in _UNNAMED and not (is_group and not row.get("label")):
                self.problem("survey.no_name", row, "name")
            return
        if not _NAME.fullmatch(name):
            self.problem("survey.bad_name", row, "name", name=name)
        elif name in scope:
            self.problem("survey.duplicate_name", row, "name", name=name, other=scope[name])
        scope.setdefault(name, row.number)

    def check_type(self, row: _Row, kind: str, lists: Mapping[str, list[_Row]]) -> None:
        select = _SELECT.match(kind)
        if select is not None:
            self.check_select(row, select, lists)
            return
        plain = "osm" if kind.casefold().startswith("osm ") else kind.casefold()  # with a list of tags
        if kind not in QUESTION_TYPE_DICT and plain not in QUESTION_TYPE_DICT:
            if re.match(r"(select|rank)", plain):
                self.problem("survey.select_without_list", row, "type", type=kind)
                return
            near = _near(plain.split()[0], _TYPE_NAMES) or "text"
            self.problem("survey.unknown_type", row, "type", type=kind, near=near)
            return
        if plain == "calculate" and not row.get("calculation") and not row.get("default") and not row.get("trigger"):
            self.problem("survey.no_calculation", row, "calculation", name=row.get("name"))
        label = row.get("label") or row.get("hint") or any(c.startswith("media") for c in row.cells)
        if not label and plain not in _NEEDS_NO_LABEL and not row.get("calculation"):
            self.problem("survey.no_label", row, "label", severity="warning", name=row.get("name"))

    def check_select(self, row: _Row, select: "re.Match[str]", lists: Mapping[str, list[_Row]]) -> None:
        kind, name, other = select.group(1).casefold().replace(" ", "_"), select.group(2), select.group(3)
        if other:
            self.implied.add(f"{row.get('name')}_other")
        if "external" in kind:
            self.problem("type.unsupported", row, "type", severity="warning", type="select_one_external")
            return
        if "file" in kind:
            if not re.search(r"\.(csv|xml|geojson)$", name, re.IGNORECASE):
                self.problem("choices.file_kind", row, "type", file=name)
            return
        if name.startswith("${"):
            self.check_references(name, row, row.letter("type"))
            return
        if name not in lists and not row.get("appearance").startswith("search("):
            near = _near(name, lists)
            if near:
                self.problem("choices.list_misspelt", row, "type", name=name, near=near)
            else:
                self.problem("choices.no_list", row, "type", name=name)
            return
        if kind not in ("select_one", "select1"):
            for choice in lists.get(name, ()):
                if " " in choice.get("name"):
                    self.problem("choices.space", choice, "name", name=choice.get("name"), list=name)

    def check_row(self, row: _Row) -> None:
        for column in _EXPRESSIONS:
            for text, letter in row.cells.get(column, ()):
                if text.casefold() in _YES_NO and column in ("required", "read_only"):
                    continue
                if self.check_references(text, row, letter):
                    self.check_expression(text, row, column, letter)
        for column in _TEXTS:
            for text, letter in row.cells.get(column, ()):
                self.check_references(text, row, letter)
        for text, letter in row.cells.get("trigger", ()):
            self.check_references(text, row, letter)

    def check_references(self, text: str, row: _Row, letter: str) -> bool:
        """True if every ${…} in the text names a question."""
        if "${" not in text:
            return True
        is_good = True
        rest = _REFERENCE.sub("", text)
        if "${" in rest:
            self.tell("reference.unclosed", row, letter, text=text)
            is_good = False
        for last_saved, name in _REFERENCE.findall(text):
            if last_saved or name in self.names or name in self.implied:
                continue
            near = _near(name, self.names)
            if near:
                self.tell("reference.misspelt", row, letter, name=name, near=near)
            else:
                self.tell("reference.unknown", row, letter, name=name)
            is_good = False
        return is_good

    def tell(self, code: str, row: _Row, letter: str, *, severity: Severity = "error", **values: object) -> None:
        """Note a problem of a cell, once."""
        found = Problem(code, row.sheet, row.number, letter, values, severity)
        if found not in self.problems:
            self.problems.append(found)

    def check_expression(self, text: str, row: _Row, column: str, letter: str) -> None:
        """Parse and compile an expression of a form, when only the names of its questions are known."""
        source = _REFERENCE.sub(lambda m: "''" if m[1] else f" /data/{m[2]} ", text)
        try:
            compile_expression(source, *self.scaffold(), in_item=column == "choice_filter")
        except ExpressionError as error:
            at = _place_in(text, error.at)
            values = {"expression": text, "at": at + 1, "found": "", **error.values}
            if error.code == "not_nodes":
                return  # the scaffold has no repeats
            self.tell(f"expression.{error.code}", row, letter, severity="error", **values)

    def scaffold(self) -> tuple[Place, Surroundings]:
        if self._scaffold is None:
            frame = FrameType(None, None)
            root = Place("data", None, frame)
            here = Place("_here", root, frame)
            for name in sorted(self.names | self.implied):
                Place(name, root, frame)
            self._scaffold = here, Surroundings(root, _Anything())
        return self._scaffold

    # pyxform

    def root_name(self) -> str | None:
        """Return a name for the form's root element if pyxform's own name would not work; otherwise None.

        pyxform calls the root `data` and then refuses `${data}`, which in Portuguese is the usual question for a date.
        """
        rows = (*self.survey, *self.choices, *([self.settings] if self.settings else []))
        texts = (text for row in rows for cells in row.cells.values() for text, _ in cells)
        is_asked = "data" in self.names and any(found[2] == "data" for t in texts for found in _REFERENCE.finditer(t))
        is_named = self.settings is not None and self.settings.get("name")
        return next(f"form{n}" for n in count() if f"form{n}" not in self.names) if is_asked and not is_named else None

    def convert(self) -> tuple[str | None, Problem | None]:
        """The XForm; or a problem with pyxform's complaint."""
        kind = SupportedFileTypes.md if self.kind == ".md" else SupportedFileTypes.xlsx
        told: list[str] = []
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                definition = Definition(data=io.BytesIO(self.data), file_type=kind, file_path_stem=self.stem or "form")
                result = convert(definition, warnings=told, file_type=kind.value, form_name=self.root_name())
        except PyXFormError as error:
            return None, self.complaint(str(error), "error")
        except RecursionError:
            return None, Problem("xlsform.converter", values={"detail": "too deeply nested"})
        except DAMAGE as error:  # what it did not expect
            return None, Problem("xlsform.converter", values={"detail": f"{type(error).__name__}: {error}"[:200]})
        for warning in told:
            self.add(self.complaint(warning, "note"))
        return result.xform, None

    def complaint(self, message: str, severity: Severity) -> Problem:
        """pyxform's sentence as a problem, with the row and column that it mentions."""
        row = re.search(r"\[row : (\d+)\]", message)
        sheet = re.search(r"On the '(\w+)' sheet", message)
        column = re.search(r"the '([\w:]+)' value", message)
        name = sheet.group(1) if sheet is not None else self.survey_name if row is not None else ""
        is_survey = column is not None and name == self.survey_name
        letter = self.headers.get(_plain(column.group(1)), "") if column is not None and is_survey else ""
        return Problem(
            "xlsform.pyxform" if severity == "error" else "xlsform.pyxform_note",
            name,
            int(row.group(1)) if row is not None else None,
            letter,
            values={"detail": re.sub(r"^\[row : \d+\] ?", "", message.strip())},
            severity=severity,
        )

    def traced(self, problem: Problem) -> Problem:
        """A problem of the XForm, at the row and column that it came from."""
        path = str(problem.values.get("node", ""))
        if not path.startswith("/") or problem.row is not None:
            return problem
        parts = path.split("/")
        row = next((r for name in reversed(parts) for r in self.survey if r.get("name") == name), None)
        if row is None:
            return problem
        column = str(problem.values.get("column", "")) or "name"
        return replace(problem, sheet=row.sheet, row=row.number, column=row.letter(column))


class _Anything(dict[str, Item]):
    """A secondary instance for checks of expressions alone: every name exists in it."""

    def get(self, key: object, default: object = None) -> Item:
        return Item(str(key))


def _notes(form: Form, *, appearances: bool = True) -> Iterator[Problem]:
    """The differences between a chat and a phone app, for the types and appearances of this form."""
    for question in form.questions:
        kind = QUESTION_TYPES[question.type]
        if kind.support == "unsupported":
            yield Problem("type.unsupported", values={"node": question.path, "type": kind.name}, severity="warning")
        elif kind.support == "differs":
            yield Problem(f"type.{kind.name}", values={"node": question.path, "type": kind.name}, severity="note")
        for name in question.appearances if appearances else ():
            found = feature("appearance", name)
            if found.support != "same":
                values = {"node": question.path, "name": name, "way": found.way}
                yield Problem("conform.appearance", values=values, severity="note")


def _appearances(text: str) -> list[str]:
    """The words of an appearance. Text in brackets belongs to its word."""
    return re.findall(r"[^\s(]+(?:\([^)]*\))?", text)


_TYPE_NAMES = [*QUESTION_TYPES, "begin_group", "end_group", "begin_repeat", "end_repeat"]


def _near(word: str, words: Iterable[str]) -> str:
    """The most similar word, blank if none is close."""
    known = {each.casefold(): each for each in sorted(words)}
    found = difflib.get_close_matches(word.casefold(), known, 1)
    return known[found[0]] if found else ""


def _plain(header: str) -> str:
    """A column's plain name: `label::Español (es)` and `Label` are both "label"."""
    name = header.strip().casefold()
    for prefix in ("bind::", "bind:", "control::", "body::"):
        name = name.removeprefix(prefix)
    if name.startswith("media"):
        return "media"
    head = re.split(r"::|:(?!constraint|required|count)", name, maxsplit=1)[0].strip()
    head = _HEADERS.get(head, head)
    return _HEADERS.get(name, head.replace(" ", "_"))


_CURLY_QUOTES = str.maketrans({"‘": "'", "’": "'", "“": '"', "”": '"'})


def _rows(sheet: Sheet) -> Iterator[_Row]:
    plain = {header: _plain(header) for header in sheet.headers}
    for number, row in sheet.rows:
        cells: dict[str, tuple[tuple[str, str], ...]] = {}
        for header, text in row.items():
            name = plain.get(header, header)
            # As the converter does: Word writes curly quotes, which no expression knows.
            straight = text.translate(_CURLY_QUOTES)
            cells[name] = (*cells.get(name, ()), (straight, sheet.headers.get(header, header)))
        yield _Row(sheet.name, number, cells)


def _place_in(text: str, at: int) -> int:
    """Return the place in the author's text that a place in the rewritten expression comes from."""
    written = 0
    position = 0
    for found in _REFERENCE.finditer(text):
        plain = found.start() - position
        if written + plain > at:
            break
        written += plain
        length = len("''" if found[1] else f" /data/{found[2]} ")
        if written + length > at:
            return found.start()
        written += length
        position = found.end()
    return min(position + at - written, len(text))
