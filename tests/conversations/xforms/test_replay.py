"""Fifteen forms played through ODK's two engines: where both agree so do we, and never a third opinion."""

import json
from collections.abc import Iterator

import pytest

from conversations.xforms.problems import AuthorError, Problem
from conversations.xforms.transcript import refused, replay
from tests.forms import COMPARED as DATA
from tests.forms import compared

NAMES = sorted(path.stem for path in (DATA / "expected").glob("*.jsonl"))
COMPARED = ("relevant", "required", "readonly", "value", "valid", "label", "choices")


def script(name: str) -> dict:
    return json.loads((DATA / "scripts" / f"{name}.json").read_text(encoding="utf-8"))


def states(lines) -> Iterator[dict[str, dict]]:
    """The whole state after each step, built up from a transcript of differences; nothing if it did not load."""
    nodes: dict[str, dict] = {}
    for line in lines:
        if line.get("final") or not (line["ok"] or line["step"]):
            return
        for ref in line.get("removed", ()):
            nodes.pop(ref, None)
        for node in line.get("nodes", line.get("changed", ())):
            if not node["type"].startswith("repeat-range"):
                nodes[node["ref"]] = node
        yield dict(nodes)


def recorded(folder: str, name: str) -> list[dict[str, dict]]:
    lines = (DATA / folder / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    return list(states(json.loads(line) for line in lines))


def said(node: dict, what: str) -> object:
    """One thing an engine said about a node, without the freedom engines take in writing it."""
    value = node.get(what)
    if what == "label":
        return " ".join(value.split()) if value is not None else None
    if what == "choices" and value is not None:
        return [(choice["value"], " ".join((choice["label"] or "").split())) for choice in value]
    return written(value) if what == "value" and isinstance(value, str) else value


def written(value: str) -> object:
    try:
        return float(value)
    except ValueError:
        pass
    if value in ("true", "false"):
        return float(value == "true")
    value = value.replace("Z", "+00:00").replace("T00:00:00.000+00:00", "").replace("; ", ";")
    return " ".join(word.removesuffix(".0") for word in value.replace(".0;", ";").split(" "))


def differences(ours: list, web: list, javarosa: list) -> Iterator[str]:
    for number, (here, there) in enumerate(zip(ours, web, strict=True)):
        other = javarosa[number] if javarosa else there
        for ref, node in there.items():
            if ref.endswith(("/instanceID", "/instanceName")):
                continue
            if ref not in here:
                if ref in other or not javarosa:
                    yield f"step {number}: {ref} is missing"
                continue
            second = other.get(ref, node)
            is_relevant = node["relevant"] or second["relevant"]
            for what in COMPARED:
                if said(node, what) is None or (what != "relevant" and not is_relevant):
                    continue
                if what == "readonly" and node["type"] in ("model-value", "note"):
                    continue
                mine, either = said(here[ref], what), (said(node, what), said(second, what))
                if mine not in either and not (what == "label" and mine is None and "" in either):
                    yield f"step {number}: {what} of {ref} is {mine!r}, not one of {either!r}"


@pytest.mark.parametrize("name", NAMES)
def test_a_form_behaves_as_in_the_reference_engines(name):
    """Relevance, value, validity, label and choices of every node after every step of the script."""
    ours = list(states(replay(compared(name).form, script(name))))

    assert list(differences(ours, recorded("expected", name), recorded("expected-javarosa", name))) == []


@pytest.mark.parametrize("name", NAMES)
def test_the_workbook_and_its_xform_are_one_form(name):
    """The Markdown XLSForm, converted here, plays exactly like the XForm it was published as."""
    from_workbook = list(replay(compared(name, "md").form, script(name)))
    from_xform = list(replay(compared(name).form, script(name)))

    assert from_workbook == from_xform


@pytest.mark.parametrize("name", NAMES)
def test_full_and_differences_tell_the_same(name):
    """A transcript of differences adds up to the transcript of whole states."""
    in_full = list(states(replay(compared(name).form, script(name), mode="full")))
    in_steps = list(states(replay(compared(name).form, script(name), mode="diff")))

    # In full every line names all nodes, so what is gone never has to be removed.
    assert [{r: n for r, n in a.items() if r in b} for a, b in zip(in_full, in_steps, strict=True)] == in_steps


def test_a_bare_list_of_steps_is_a_script():
    """The short form of a script: just the steps."""
    lines = list(replay(compared("01-basics").form, [{"ref": "name", "value": "Ana"}]))

    assert [line.get("step") for line in lines] == [0, 1, None]
    assert lines[-1]["final"] is True
    assert "<name>Ana</name>" in lines[-1]["xml"]


@pytest.mark.parametrize(
    "step",
    [
        {"ref": "nosuch", "value": "1"},
        {"ref": "/data/nosuch", "value": "1"},
        {"ref": "bye", "value": "1"},
        {"op": "add", "ref": "/data/name"},
        {"op": "remove", "ref": "/data/name"},
        {"op": "lang", "value": "Deutsch"},
        {"op": "dance"},
    ],
)
def test_a_step_that_cannot_be_done_says_so_and_the_replay_goes_on(step):
    """`ok: false` with a reason; nothing changes; the next step is played."""
    lines = list(replay(compared("01-basics").form, [step, {"ref": "name", "value": "Ana"}]))

    assert lines[1]["ok"] is False
    assert lines[1]["error"]
    assert lines[1]["changed"] == []
    assert lines[2]["ok"] is True
    assert lines[-1]["failedSteps"] == 1


def test_a_form_that_does_not_load_gives_one_line():
    """What `enlace form replay` prints for a broken form."""
    line = refused(AuthorError([Problem("xform.not_xform")]))

    assert (line["step"], line["ok"]) == (0, False)
    assert line["error"]
