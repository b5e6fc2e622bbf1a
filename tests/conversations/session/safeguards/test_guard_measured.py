"""The guard, measured on sentences as officers write them. All people, numbers and addresses in them are invented.

The sentences of unseen.csv were written before the rules were read and are not tuned on. Those of tuned.csv are what
the rules were improved with. Each of the others was written before its writer read the rules, measured once, and only
then used to improve the rules. Three of them, twelfth.csv, fifteenth.csv and thirtieth.csv, are not used for that: they
say what the rules are worth with sentences that nobody tuned them for. The hand of the last two sets had read the
rules: before the twenty-ninth without their lists of words, before the thirtieth whole. None is helped by a plan: what
a plan knows is allowed besides.
`rules` says for which rules a sentence is: both, ordinary or strict.
"""

import csv
import functools
from collections.abc import Iterator, Mapping
from math import sqrt

import pytest

from conversations.session.safeguards.guard import personal_data
from tests import ROOT

SENTENCES = ROOT / "tests" / "conversations" / "data" / "guard"
SETS = (
    "unseen", "tuned", "later", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth", "eleventh",
    "thirteenth", "fourteenth", "fifteenth", "sixteenth", "seventeenth", "eighteenth", "nineteenth",
    "twentieth", "twenty-first", "twenty-second", "twenty-third", "twenty-fourth", "twenty-fifth",
    "twenty-sixth", "twenty-seventh", "twenty-eighth", "twenty-ninth",
    "thirty-first", "thirty-second", "thirty-third", "thirty-fourth", "thirty-fifth", "thirty-sixth",
    "thirty-seventh", "thirty-eighth", "thirty-ninth", "fortieth",
)  # fmt: skip
AT_FIRST = {
    "twelfth": {
        ("identifier", "ordinary"): 29,
        ("identifier", "strict"): 29,
        ("name", "strict"): 44,
        ("age", "strict"): 20,
        ("date", "strict"): 9,
        ("address", "strict"): 15,
        ("none", "ordinary"): 1,
        ("none", "strict"): 6,
    },
    "thirtieth": {
        ("name", "ordinary"): 15,
        ("age", "ordinary"): 7,
        ("none", "ordinary"): 1,
        ("none", "strict"): 5,
    },
}
"""Yardsticks, and how many of their sentences were refused when they were read for the first time.

The rules are not improved with them. The thirtieth does not reach what is promised: it tells what is left to do.
"""
RULES = ("ordinary", "strict")
IDENTIFIERS = frozenset({"email", "handle", "link", "phone", "identity", "digits"})
LEAST_RECALL = {"identifier": 0.90, "name": 0.80, "age": 0.80, "date": 0.80, "address": 0.80}
MOST_FALSE_ALARMS = {"ordinary": 0.03, "strict": 0.10}
PAGE = ROOT / "docs" / "guard.md"


def interval(hits: int, of: int) -> tuple[float, float]:
    """The 95 % interval of a share, after Wilson (1927)."""
    z, share = 1.96, hits / of
    middle = share + z * z / (2 * of)
    half = z * sqrt(share * (1 - share) / of + z * z / (4 * of * of))
    return (middle - half) / (1 + z * z / of), (middle + half) / (1 + z * z / of)


def sentences(name: str) -> list[Mapping[str, str]]:
    with (SENTENCES / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@functools.cache  # the page tells of the same
def measured(name: str) -> Mapping[tuple[str, str], tuple[int, int]]:
    """(what, rules) → how many were refused, of how many."""
    found: dict[tuple[str, str], tuple[int, int]] = {}
    for what, rules, is_found in _judged(name):
        hits, of = found.get((what, rules), (0, 0))
        found[what, rules] = hits + is_found, of + 1
    return found


def _judged(name: str) -> Iterator[tuple[str, str, bool]]:
    for row in sentences(name):
        for rules in RULES if row["rules"] == "both" else (row["rules"],):
            kind = personal_data(row["text"], strict=rules == "strict")
            if row["kind"] in IDENTIFIERS:
                yield "identifier", rules, kind in IDENTIFIERS
            else:
                yield row["kind"], rules, kind is not None


def test_there_are_enough_sentences_of_each_language() -> None:
    """A share of twenty sentences says nothing."""
    both = [row for name in (*SETS, *AT_FIRST) for row in sentences(name)]
    assert len(both) >= 800
    for language in ("es", "en", "ht"):
        assert sum(row["language"] == language for row in both) >= 150
    assert sum(row["language"] == "fr" for row in both) >= 40
    assert len({(row["text"], row["rules"], row["language"]) for row in both}) == len(both)


@pytest.mark.parametrize("name", SETS)
def test_the_guard_finds_what_it_must_and_lets_work_pass(name: str) -> None:
    """Recall and false alarms on each set for itself."""
    found = measured(name)
    for (what, rules), (hits, of) in found.items():
        share = hits / of
        if what == "none":
            assert share <= MOST_FALSE_ALARMS[rules], f"{name}: false alarms, {rules} rules: {hits} of {of}"
        elif of >= 10:
            assert share >= LEAST_RECALL[what], f"{name}: {what}, {rules} rules: {hits} of {of}"


@pytest.mark.parametrize("name", AT_FIRST)
def test_what_nobody_tuned_for_is_found_as_often_as_at_first(name: str) -> None:
    """A rule that is mended for known sentences must not lose the others."""
    found = measured(name)
    assert found.keys() == AT_FIRST[name].keys()
    for (what, rules), at_first in AT_FIRST[name].items():
        hits, _ = found[what, rules]
        assert hits <= at_first if what == "none" else hits >= at_first, f"{what}, {rules} rules: {hits}"


def test_the_page_tells_the_worst_of_all_sets() -> None:
    """The figures in the docs are made from these sentences; a failure prints the table to paste."""
    table = _table({name: measured(name) for name in SETS})
    assert table in PAGE.read_text("utf-8"), f"\n{table}"


def _table(sets: Mapping[str, Mapping[tuple[str, str], tuple[int, int]]]) -> str:
    told = {
        "identifier": "identifiers found",
        "name": "names found",
        "age": "ages found",
        "date": "days found",
        "address": "addresses found",
        "none": "harmless, refused",
    }
    lines = ["| | rules | sentences | share | 95 % interval |", "|---|---|---|---|---|"]
    for what, words in told.items():
        for rules in RULES:
            each = [found[what, rules] for found in sets.values() if (what, rules) in found]
            if not each:
                continue
            hits, of = (max if what == "none" else min)(each, key=lambda one: one[0] / one[1])
            low, high = interval(hits, of)
            lines.append(f"| {words} | {rules} | {of} | {hits / of:.1%} | {low:.1%} – {high:.1%} |")
    return "\n".join(lines)
