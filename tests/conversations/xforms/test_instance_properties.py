"""Random walks through forms: whatever is answered, in whatever order, the laws of an instance hold."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conversations.xforms.evaluation.texts import Node
from conversations.xforms.form import Form
from conversations.xforms.instance import Filling, Instance
from conversations.xforms.transcript import replay
from tests.conversations.xforms.filled import reloaded
from tests.forms import COMPARED, compared, shipped

NOW = datetime(2026, 3, 4, 10, 20, 30, tzinfo=UTC)
# 07 and 08 are long lists of single calculations: the same law many times over.
NAMES = [p.stem for p in sorted((COMPARED / "forms").glob("*.xml")) if p.stem[:2] not in ("07", "08")]
SHIPPED = ("activity_report", "indicator_update", "incident_free_text")
WORDS = ["", "a", "Ana", "yes", "no", "0", "1", "2", "3", "7", "15", "120", "-1", "2026-03-04", "x y", "OK", "é"]


def form(name: str) -> Form:
    return (shipped(name) if name in SHIPPED else compared(name)).form


def start(made: Form) -> Instance:
    return Instance.start(made, Filling("abc", NOW, "UTC", made.default_language))


def act(instance: Instance, draw) -> None:
    """One thing a respondent may do: answer something asked, add or remove an instance of a repeat."""
    open_repeats = [ref for ref, _, count in instance.repeats() if not instance.is_counted(ref) and count < 4]
    # once() remembers that it has been cleared; no evaluation from scratch could know.
    asked = [
        n for n in instance.nodes()
        if n.question.is_asked and n.is_relevant and not n.is_readonly and n.question.name != "once_"
    ]  # fmt: skip
    kind = draw(st.integers(0, 9))
    if kind == 0 and open_repeats:
        instance.add(draw(st.sampled_from(open_repeats)))
    elif kind == 1 and open_repeats:
        ref = draw(st.sampled_from(open_repeats))
        count = next(count for each, _, count in instance.repeats() if each == ref)
        if count:
            instance.remove(f"{ref}[{draw(st.integers(1, count))}]")
    elif asked:
        node = draw(st.sampled_from(asked))
        choices = [choice.value for choice in instance.choices(node)]
        if node.question.type == "select_multiple":
            value = " ".join(draw(st.lists(st.sampled_from(choices), unique=True))) if choices else ""
        else:
            value = draw(st.sampled_from([*choices, ""] if choices else WORDS))
        instance.answer(node.ref, value)


def everything_again(instance: Instance) -> Instance:
    """The same answers with every relevance, calculation, filter and count evaluated from scratch."""
    again = reloaded(instance)
    again.evaluate_all()
    return again


def seen(instance: Instance) -> dict:
    return {
        node.ref: (node.value, node.is_relevant, instance.choices(node), instance.label(node))
        for node in instance.nodes()
    }


@pytest.mark.parametrize("name", [*NAMES, *SHIPPED])
@given(data=st.data())
@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
def test_an_instance_is_what_its_answers_make_it(name, data):
    """Before every step restore(dump()) is identical, and evaluating everything again changes nothing.

    The second half is what finds a dependency that was not seen; and nothing that is not relevant is handed over.
    """
    instance = start(form(name))
    for _ in range(data.draw(st.integers(1, 14))):
        twin = reloaded(instance)
        assert twin.dump() == instance.dump()
        assert seen(twin) == seen(instance)
        act(instance, data.draw)
        again = everything_again(instance)
        assert again.dump() == instance.dump()
        relevant = {node.ref for node in instance.nodes() if node.is_relevant}
        assert set(instance.answers()) <= relevant
        assert all(value != "" for value in instance.answers().values())
        assert list(instance.asked()) == [node.ref for node in instance.nodes() if is_to_be_asked(node)]


def is_to_be_asked(node: Node) -> bool:
    question = node.question
    return node.is_relevant and not node.is_readonly and question.is_asked and question.type != "note"


@pytest.mark.parametrize("name", ["02-relevance", "05-repeats", "12-groups", "14-nested-repeats"])
@given(data=st.data())
@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
def test_what_is_not_relevant_is_in_no_submission(name, data):
    """A value marked by a canary never reaches answers() or the XML once its question is not relevant."""
    instance = start(form(name))
    texts = [n for n in instance.nodes() if n.question.type == "text" and n.is_relevant and not n.is_readonly]
    for node in texts:
        instance.answer(node.ref, f"canary{node.question.number}")
    for _ in range(data.draw(st.integers(1, 10))):
        act(instance, data.draw)
        hidden = [n for n in instance.nodes() if not n.is_relevant and n.question.type == "text"]
        shown = {n.question.number for n in instance.nodes() if n.is_relevant}
        for node in hidden:
            assert node.ref not in instance.answers()
            if node.question.number not in shown:
                assert f"<{node.question.name}>canary{node.question.number}" not in instance.submission_xml()


@pytest.mark.parametrize("name", ["13-incident", "05-repeats", "04-cascade"])
@given(seed=st.integers(0, 2**32), picks=st.lists(st.tuples(st.integers(0, 50), st.sampled_from(WORDS)), max_size=12))
@settings(max_examples=10, deadline=None)
def test_one_script_gives_one_transcript(name, seed, picks):
    """The same form, script and seed: the same lines, byte for byte."""
    refs = [question.name for question in form(name).questions]
    script = {
        "now": "2026-03-04T10:20:30Z", "seed": seed,
        "steps": [{"ref": refs[n % len(refs)], "value": word} for n, word in picks],
    }  # fmt: skip

    assert [json.dumps(line) for line in replay(form(name), script)] == [
        json.dumps(line) for line in replay(form(name), script)
    ]


@given(values=st.lists(st.text(max_size=40), min_size=1, max_size=6))
@settings(max_examples=60, deadline=None)
def test_anything_may_be_typed(values):
    """No text raises, and what is stored survives JSON, UTF-8 and XML."""
    instance = start(form("15-edge"))
    for value in values:
        for name in ("ws", "big", "dec", "emoji", "self"):
            instance.check(instance.node(name), value)
            instance.answer(name, value)
        json.dumps(instance.dump(), ensure_ascii=False).encode("utf-8")
        instance.submission_xml().encode("utf-8")
