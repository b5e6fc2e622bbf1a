"""The guard, measured on sentences as officers write them. All people, numbers and addresses in them are invented.

The sentences of the first set were written before the rules were read and are not tuned on. Those of the second are
what the rules were improved with. Each of the others was written before its writer read the rules, measured once, and
only then used to improve the rules. Three of them, the twelfth, the fifteenth and the thirtieth, are not used for that:
they say what the rules are worth with sentences that nobody tuned them for. The hand of the twenty-ninth and the
thirtieth had read the rules: before the first of them without their lists of words, before the other whole. None is
helped by a plan: what a plan knows is allowed besides.
"""

import functools
from collections import Counter
from collections.abc import Iterator, Mapping
from math import sqrt

import pytest

from conversations.session.safeguards.guard import personal_data
from tests import ROOT
from tests.conversations.sentences import sentences

AT_FIRST = {
    "12": {
        ("identifier", "ordinary"): 29,
        ("identifier", "strict"): 29,
        ("name", "strict"): 44,
        ("age", "strict"): 20,
        ("date", "strict"): 9,
        ("address", "strict"): 15,
        ("none", "ordinary"): 1,
        ("none", "strict"): 6,
    },
    "30": {
        ("name", "ordinary"): 15,
        ("age", "ordinary"): 7,
        ("none", "ordinary"): 1,
        ("none", "strict"): 5,
    },
}
"""Yardsticks, and how many of their sentences were refused when they were read for the first time.

The rules are not improved with them. The thirtieth does not reach what is promised: it tells what is left to do.
"""
SETS = sorted({each.since for each in sentences()} - AT_FIRST.keys(), key=int)
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


@functools.cache  # the page tells of the same
def measured(since: str) -> Mapping[tuple[str, str], tuple[int, int]]:
    """(what, rules) → how many were refused, of how many."""
    found: dict[tuple[str, str], tuple[int, int]] = {}
    for what, rules, is_found in _judged(since):
        hits, of = found.get((what, rules), (0, 0))
        found[what, rules] = hits + is_found, of + 1
    return found


def _judged(since: str) -> Iterator[tuple[str, str, bool]]:
    for each in sentences():
        if each.since != since:
            continue
        for rules in RULES if each.rules == "both" else (each.rules,):
            kind = personal_data(each.sentence, strict=rules == "strict")
            if each.kind in IDENTIFIERS:
                yield "identifier", rules, kind in IDENTIFIERS
            else:
                yield each.kind, rules, kind is not None


def test_there_are_enough_sentences_of_each_language() -> None:
    """A share of twenty sentences says nothing."""
    written = Counter(each.language for each in sentences())
    assert len(SETS) + len(AT_FIRST) == 40
    assert written.total() >= 10_000
    assert min(written["es"], written["en"], written["ht"]) >= 2_000
    assert written["fr"] >= 500
    assert len({(each.sentence, each.rules, each.language) for each in sentences()}) == written.total()


@pytest.mark.parametrize("since", SETS)
def test_the_guard_finds_what_it_must_and_lets_work_pass(since: str) -> None:
    """Recall and false alarms on each set for itself."""
    found = measured(since)
    for (what, rules), (hits, of) in found.items():
        share = hits / of
        if what == "none":
            assert share <= MOST_FALSE_ALARMS[rules], f"set {since}: false alarms, {rules} rules: {hits} of {of}"
        elif of >= 10:
            assert share >= LEAST_RECALL[what], f"set {since}: {what}, {rules} rules: {hits} of {of}"


@pytest.mark.parametrize("since", AT_FIRST)
def test_what_nobody_tuned_for_is_found_as_often_as_at_first(since: str) -> None:
    """A rule that is mended for known sentences must not lose the others."""
    found = measured(since)
    assert found.keys() == AT_FIRST[since].keys()
    for (what, rules), at_first in AT_FIRST[since].items():
        hits, _ = found[what, rules]
        assert hits <= at_first if what == "none" else hits >= at_first, f"{what}, {rules} rules: {hits}"


def test_the_page_tells_the_worst_of_all_sets() -> None:
    """The figures in the docs are made from these sentences; a failure prints the table to paste."""
    table = _table({since: measured(since) for since in SETS})
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
