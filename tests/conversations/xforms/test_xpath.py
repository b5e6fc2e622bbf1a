"""ODK's dialect of XPath: what both reference engines answer, we answer; what nobody understands is refused."""

import json
import math
import re
from datetime import UTC, datetime
from xml.sax.saxutils import quoteattr

import pytest

from conversations.xforms.document.read import read_xform
from conversations.xforms.form import Form
from conversations.xforms.instance import Filling, Instance
from conversations.xforms.nodes import FrameType, Item, Place
from conversations.xforms.problems import AuthorError
from conversations.xforms.xpath.compile import compile_expression
from conversations.xforms.xpath.expression import Surroundings
from conversations.xforms.xpath.functions.nodes import shuffled
from conversations.xforms.xpath.functions.table import FUNCTIONS
from conversations.xforms.xpath.syntax import MAX_DEPTH, ExpressionError, parse
from conversations.xforms.xpath.values import moment, number_of, text_of
from tests import ROOT

DATA = ROOT / "tests" / "conversations" / "data" / "xlsform"
CASES = json.loads((DATA / "functions-expected.json").read_text(encoding="utf-8"))
NOW = datetime(2026, 3, 4, 10, 20, 30, tzinfo=UTC)

REPEAT = [("1", "p", "10"), ("2", "q", "20.5"), ("", "r", "30")]
CITIES = [("p", "Paris", "fr", "2100"), ("l", "Lyon", "fr", "520"), ("b", "Berlin", "de", "3700")]
VALUES = {
    "t": ("string", "abc"), "n": ("int", "7"), "d": ("decimal", "2.5"), "e": ("string", ""), "ei": ("int", ""),
    "bool": ("string", "false"), "dt": ("date", "2020-02-29"), "dtt": ("dateTime", "2026-03-04T08:09:10.123+00:00"),
    "tm": ("time", "06:30:00.000+00:00"), "s": ("string", "b c"), "s1": ("string", "b"), "cc": ("string", "fr"),
    "town": ("string", "l"), "towns": ("string", "p b"), "loc": ("geopoint", "48.8566 2.3522 35 5"),
    "trace": ("geotrace", "0 0 0 0;0 1 0 0;1 1 0 0"),
}  # fmt: skip


def world(expression: str) -> Form:
    """A form with something of everything, and the expression as a calculation and as a relevance."""
    written = quoteattr(expression).replace("\n", "&#10;")
    leaves = "".join(f"<{name}>{value}</{name}>" for name, (_, value) in VALUES.items())
    leaves += "".join(f"<rep><x>{x}</x><y>{y}</y><z>{z}</z></rep>" for x, y, z in REPEAT)
    binds = "".join(f'<bind nodeset="/data/{name}" type="{kind}"/>' for name, (kind, _) in VALUES.items())
    binds += "".join(
        f'<bind nodeset="/data/rep/{n}" type="{k}"/>' for n, k in zip("xyz", ("int", "string", "decimal"), strict=True)
    )
    cities = "".join(
        f"<item><name>{n}</name><label>{text}</label><country>{c}</country><pop>{p}</pop></item>"
        for n, text, c, p in CITIES
    )
    items = "".join(f"<item><label>Letter {v.upper()}</label><value>{v}</value></item>" for v in "abc")
    ones = "".join(f"<item><label>One {v.upper()}</label><value>{v}</value></item>" for v in "bc")
    return read_xform(
        f"""<h:html xmlns="http://www.w3.org/2002/xforms" xmlns:h="http://www.w3.org/1999/xhtml"
        xmlns:jr="http://openrosa.org/javarosa"><h:head><h:title>f</h:title><model>
        <itext><translation lang="en"><text id="hello"><value>Hello there</value></text></translation></itext>
        <instance><data id="f">{leaves}<out/><rel/><meta><instanceID/></meta></data></instance>
        <instance id="cities"><root>{cities}</root></instance>{binds}
        <bind nodeset="/data/out" type="string" calculate={written}/>
        <bind nodeset="/data/rel" type="string" relevant={written}/></model></h:head><h:body>
        <select ref="/data/s"><label>s</label>{items}</select><select1 ref="/data/s1"><label>s1</label>{ones}</select1>
        <group ref="/data/rep"><label>rep</label><repeat nodeset="/data/rep"><input ref="/data/rep/x"/></repeat></group>
        <input ref="/data/rel"><label>rel</label></input></h:body></h:html>"""
    )


def evaluated(expression: str) -> dict[str, object]:
    try:
        form = world(expression)
    except AuthorError:
        return {"refused": True}
    instance = Instance.start(form, Filling("x", NOW, "UTC", "en"))
    return {"value": instance.node("/data/out").value, "bool": instance.node("/data/rel").is_relevant}


def plain(value: str) -> str:
    """The same value however an engine writes it: 1 or true, 8 or 8.0, a date with or without its midnight."""
    value = {"1": "true", "0": "false"}.get(value, value)
    value = re.sub(r"\+00:00$", "Z", value)
    value = re.sub(r"T00:00:00(\.000)?Z$", "", value)
    try:
        return f"{float(value):.9g}"
    except ValueError:
        return value


def is_answer(found: dict[str, object], expected: dict[str, object]) -> bool:
    if "error" in expected or "refused" in found:
        return "error" in expected and "refused" in found
    return plain(str(found["value"])) == plain(str(expected["value"])) and found["bool"] == expected["bool"]


AGREED = [c for c in CASES if c["verdict"] in ("agree", "agree-but-written-differently", "both-reject")]


@pytest.mark.parametrize("case", AGREED, ids=lambda case: case["expr"])
def test_what_both_reference_engines_answer_is_our_answer(case):
    """380 expressions on which the two ODK engines agree: the agreed value, truth or refusal."""
    assert is_answer(evaluated(case["expr"]), case["web"])


# date('foo') converts in the web engine alone, to a text that is somehow false.
UNDECIDED = [c for c in CASES if c not in AGREED and c["expr"] != "date('foo')"]


@pytest.mark.parametrize("case", UNDECIDED, ids=lambda case: case["expr"])
def test_where_the_engines_differ_we_side_with_one_of_them(case):
    """No third opinion: an answer that neither reference engine gives would surprise everybody."""
    found = evaluated(case["expr"])

    assert is_answer(found, case["web"]) or is_answer(found, case["javarosa"])


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("sum(/data/rep/x)", "3"),
        ("max(/data/rep/x)", "2"),
        ("if(/data/e, 'a', 'b')", "b"),
        ("not(/data/e)", "true"),
        ("regex('xabcx', 'abc')", "true"),
        ("round(-2.5)", "-3"),
        ("today() > '2026-03-03'", "true"),
        ("/data/rep[2]/y", "q"),
        ("floor(-2.2)", "-3"),
        ("substring('abcdef', 2, 3)", "bcd"),
    ],
)
def test_blanks_follow_javarosa_and_the_rest_the_web_engine(expression, value):
    """The decisions of docs/xlsform.md, one case each."""
    assert evaluated(expression)["value"] == value


def place() -> tuple[Place, Surroundings]:
    root = Place("data", None, FrameType(None, None))
    return Place("a", root, root.frame), Surroundings(root, {"x": Item("x")})


@pytest.mark.parametrize(
    ("source", "code"),
    [
        ("", "unfinished"),
        ("1 +", "unfinished"),
        ("(1", "unfinished"),
        ("1)", "syntax"),
        ("a b", "syntax"),
        ("'open", "syntax"),
        ("a = #", "syntax"),
        ("/data/[1]", "syntax"),
        ("$var", "syntax"),
        ("nosuch(1)", "unknown_function"),
        ("if(1, 2)", "arguments"),
        ("today(1)", "arguments"),
        ("regex(., '(?=a)')", "regex"),
        (r"regex(., '(a)\1')", "regex"),
        ("date('2026-02-30')", "date"),
        ("count('a')", "not_nodes"),
        ("'a' | 'b'", "not_nodes"),
        ("ancestor::x", "axis"),
        ("instance(1)/root", "arguments"),
        ("jr:choice-name('a', .)", "choice_name"),
        ("indexed-repeat(/data/a, /data, 1, 2)", "arguments"),
    ],
)
def test_an_expression_that_cannot_be_used_is_refused_when_compiled(source, code):
    """Every expression is compiled at publish, so its author hears of it and no respondent does."""
    with pytest.raises(ExpressionError) as refusal:
        compile_expression(source, *place())

    assert refusal.value.code == code


def test_a_refusal_says_where():
    """`at` counts characters from 0 to the first one that does not fit."""
    with pytest.raises(ExpressionError) as refusal:
        parse("/data/a > 1 and (")

    assert refusal.value.at == len("/data/a > 1 and (")


def test_nesting_has_a_limit_that_real_forms_do_not_reach():
    """60 nested ifs are real; ten thousand brackets are an attack, refused without a deep stack."""
    nested = "if(. = 1, 0, " * 90 + "0" + ")" * 90
    compile_expression(nested, *place())
    compile_expression("/data/a" + "[/data/a" * 20 + "]" * 20, *place())

    for hostile in ("(" * 10_000 + "1" + ")" * 10_000, "-" * 20_000 + "1 +", "a[" * 5_000):
        with pytest.raises(ExpressionError):
            compile_expression(hostile, *place())
    with pytest.raises(ExpressionError) as refusal:
        compile_expression("(" * (MAX_DEPTH + 1) + "1" + ")" * (MAX_DEPTH + 1), *place())
    assert refusal.value.code == "too_deep"


def test_a_long_chain_is_not_deep():
    """Fifteen hundred alternatives, or terms, in a row are one level, and evaluate without recursion."""
    chain = " or ".join(f". = '{n}'" for n in range(1_500))
    assert compile_expression(chain, *place()).kind == "boolean"

    instance = Instance.start(
        world("1" + " + 2" * 1_500 + " - 1" + " * 2 div 2" * 1_000), Filling("x", NOW, "UTC", "en")
    )
    assert instance.node("/data/out").value == "3000"

    with pytest.raises(ExpressionError) as refusal:  # each comparison compares what the one before said
        compile_expression("1" + " = 1" * 1_500, *place())
    assert refusal.value.code == "too_deep"


def test_length_has_a_limit():
    """32 768 characters: longer than any expression a cell of Excel can hold."""
    with pytest.raises(ExpressionError) as refusal:
        parse("1" + " + 1" * 10_000)

    assert refusal.value.code == "too_long"


def test_a_regex_is_linear_in_time():
    """The classic exponential pattern answers at once (no way to hang the bot from a chat)."""
    form = world("regex(/data/t, '^(a+)+$')")
    instance = Instance.start(form, Filling("x", NOW, "UTC", "en"))

    instance.answer("/data/t", "a" * 5_000 + "!")  # a backtracking engine would not come back

    assert instance.node("/data/out").value == "false"


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (1.0, "1"), (-0.0, "0"), (0.1 + 0.2, "0.30000000000000004"), (1e20, "100000000000000000000"), (1e21, "1e+21"),
        (1e-6, "0.000001"), (1e-7, "1e-7"), (math.nan, ""), (math.inf, "Infinity"), (-math.inf, "-Infinity"),
    ],
)  # fmt: skip
def test_numbers_are_written_as_odk_writes_them(number, text):
    """No ".0", no exponent below 1e21; NaN is blank."""
    assert text_of(number) == text


@pytest.mark.parametrize("text", ["", "abc", "1_000", "nan", "inf", "2026-02-30", "1 2", "0x10", "１２ x"])
def test_what_is_no_number_is_nan(text):
    """Python reads more as a number than ODK does."""
    assert math.isnan(number_of(text))


def test_dates_subtract_like_numbers():
    """Days since 1970-01-01; a dateTime has a fraction."""
    assert number_of("2020-02-29") == 18321.0
    assert number_of("2020-02-29T12:00:00.000+00:00") == 18321.5
    assert moment("2021-02-29") is None


def test_shuffling_with_a_seed_is_that_of_both_engines():
    """randomize(…, 42) gives one order everywhere, so a form's order can be checked."""
    assert shuffled(["bread", "cheese", "dates", "eggs", "figs"], 42) == ["bread", "figs", "dates", "cheese", "eggs"]


def test_compiling_tells_what_is_read():
    """Counting a repeat reads its instances, not their values; a predicate reads what it looks at."""
    form = world("count(/data/rep[x > 1]) + /data/n")
    reads = form.logic[form.places["/data/out"]].calculate.reads

    assert {p.path for p in reads.values} == {"/data/rep/x", "/data/n"}
    assert {p.path for p in reads.repeats} == {"/data/rep"}
    assert reads.values[form.places["/data/n"]] is True
    assert reads.values[form.places["/data/rep/x"]] is False


def test_a_path_that_leads_nowhere_is_told_of():
    """It evaluates as empty, as in ODK, but it is hardly what its author meant."""
    form = world("/data/none = ''")

    assert {p.code for p in form.warnings} == {"expression.unknown_node"}


def test_every_function_is_compiled_with_its_fewest_arguments_or_refused():
    """No entry of FUNCTIONS fails with anything but an ExpressionError."""
    for name, (least, _, _) in FUNCTIONS.items():
        for argument in ("'a'", "1", "/data/rep/x", "true()", "instance('cities')/root/item"):
            try:
                world(f"{name}({', '.join([argument] * least)})")
            except AuthorError as error:
                assert all(p.code.startswith("expression.") for p in error.problems)  # noqa: PT017
