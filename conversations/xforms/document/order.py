"""Find the order of evaluation: whatever a unit reads is settled before the unit is evaluated.

A cycle of calculations is a problem of the form. Two questions that are each shown while the other is blank are no
cycle.
"""

import heapq
import re
from collections.abc import Iterator, Mapping
from xml.etree.ElementTree import Element

from conversations.xforms.document.document import Document
from conversations.xforms.form import ItemSet, Readers, Unit
from conversations.xforms.nodes import Place
from conversations.xforms.xpath.expression import Expression, Reads


def set_order(document: Document) -> None:
    """Give every unit its rank, and note for each place the units that read it."""
    units = _make_units(document)
    own: dict[Place, dict[str, Unit]] = {}
    for unit in units:
        own.setdefault(unit.place, {})[unit.kind] = unit
    before: dict[int, set[int]] = {}
    for number, unit in enumerate(units):
        unit.index = number
        before[number] = set()
    for unit in units:
        before[unit.index] = {other.index for other in _needed(document, unit, own) if other is not unit}
    ranked = _sorted_units(document, units, before)
    form = document.form
    for rank, unit in enumerate(ranked):
        unit.index = rank
    form.units = tuple(ranked)
    form.own_units = own
    form.everything = (1 << len(ranked)) - 1
    values: dict[Place, dict[int, bool]] = {}
    structure: dict[Place, dict[int, bool]] = {}
    language: list[int] = []
    for unit in ranked:
        reads = _reads_of(document, unit)
        for place, is_local in reads.values.items():
            if place is unit.place and unit.kind in ("calculate", "choices"):
                continue
            values.setdefault(place, {})[unit.index] = is_local and place not in reads.choice_names
        for place in reads.repeats:
            structure.setdefault(place, {})[unit.index] = False
        if reads.language and unit.kind == "calculate":
            language.append(unit.index)
    form.readers = {place: _readers(document, found) for place, found in values.items()}
    form.structure = {place: _readers(document, found) for place, found in structure.items()}
    form.language_units = tuple(language)


def _readers(document: Document, found: dict[int, bool]) -> Readers:
    units, frame = document.form.units, document.form.frame
    mask = 0
    for index in found:
        if units[index].home is frame:
            mask |= 1 << index
    return Readers(
        mask, tuple((index, is_local) for index, is_local in found.items() if units[index].home is not frame)
    )


def _make_units(document: Document) -> list[Unit]:
    units: list[Unit] = []
    for place, logic in document.form.logic.items():
        if logic.count is not None:
            units.append(Unit("count", place, place.frame, logic.count))
        if logic.relevant is not None:
            home = place.home if logic.relevant_each else place.frame
            units.append(Unit("relevant", place, home, logic.relevant))
        if logic.calculate is not None:
            units.append(Unit("calculate", place, place.frame, logic.calculate))
        if logic.items is not None and logic.items.is_filtered and logic.items.nodes is not None:
            units.append(Unit("choices", place, place.frame, logic.items.nodes))
    return units


def _reads_of(document: Document, unit: Unit) -> Reads:
    """The places that a unit reads. A jr:choice-name() also reads the places that its choice list reads."""
    reads = unit.expression.reads
    if not reads.choice_names:
        return reads
    values, repeats = dict(reads.values), set(reads.repeats)
    for place in reads.choice_names:
        items = document.form.logic[place].items
        if items is not None and items.nodes is not None:
            values |= dict.fromkeys(items.nodes.reads.values, False)
            repeats |= items.nodes.reads.repeats
        for output in _outputs_in_choices(document, items, place):
            values |= dict.fromkeys(output.reads.values, False)
            repeats |= output.reads.repeats
    return Reads(values, repeats, set(), True)


def _outputs_in_choices(document: Document, items: ItemSet | None, place: Place) -> Iterator[Expression]:
    """The outputs in the labels of a list's choices. Few lists have any, but jr:choice-name() shows them."""
    if items is None:
        return
    for _, text in items.inline:
        yield from text.expressions()
    if items.nodes is None or not items.label_is_itext:
        return
    name = re.search(r"instance\(\s*['\"]([^'\"]+)", items.nodes.source)
    container = document.form.instances.get(name.group(1)) if name is not None else None
    for item in container.descendants() if container is not None else ():
        text_id = item.child_text(items.label_name)
        for language, texts in document.form.itext.items():
            value = texts.get(text_id, {}).get("")
            if isinstance(value, Element) and len(value):
                message = document.form.itext_message(language, text_id, place)
                yield from message.expressions() if message is not None else ()


def _needed(document: Document, unit: Unit, own: Mapping[Place, Mapping[str, Unit]]) -> Iterator[Unit]:
    """The units that must be evaluated before this one."""
    reads = _reads_of(document, unit)
    for place in reads.values:
        if place is unit.place and unit.kind in ("calculate", "choices"):
            continue
        for kind, other in own.get(place, {}).items():
            if kind != "count" or place is not unit.place:
                yield other
        yield from _around(document, place, own)
    for place in reads.repeats:
        if "count" in own.get(place, {}):
            yield own[place]["count"]
        yield from _around(document, place, own)
    yield from _around(document, unit.place, own)
    mine = own.get(unit.place, {})
    if unit.kind in ("calculate", "choices") and "relevant" in mine:
        yield mine["relevant"]
    if unit.kind == "choices" and "calculate" in mine:
        yield mine["calculate"]
    if unit.kind == "relevant" and document.form.logic[unit.place].relevant_each and "count" in mine:
        yield mine["count"]


def _around(document: Document, place: Place, own: Mapping[Place, Mapping[str, Unit]]) -> Iterator[Unit]:
    """The relevance and the count of everything around a place."""
    above = place.parent
    while above is not None:
        for kind in ("relevant", "count"):
            if kind in own.get(above, {}):
                yield own[above][kind]
        above = above.parent


def _sorted_units(document: Document, units: list[Unit], before: dict[int, set[int]]) -> list[Unit]:
    """Sort the units so that each comes after those it needs; else in the order of the document."""
    after: dict[int, list[int]] = {}
    waiting = {number: len(needs) for number, needs in before.items()}
    for number, needs in before.items():
        for need in needs:
            after.setdefault(need, []).append(number)
    ready = [number for number, count in waiting.items() if count == 0]
    heapq.heapify(ready)
    ranked: list[Unit] = []
    done: set[int] = set()
    while len(ranked) < len(units):
        if not ready:
            ready.append(_break_cycle(document, units, before, done))
        number = heapq.heappop(ready)
        if number in done:
            continue
        done.add(number)
        ranked.append(units[number])
        for follower in after.get(number, ()):
            waiting[follower] -= 1
            if waiting[follower] == 0:
                heapq.heappush(ready, follower)
    return ranked


def _break_cycle(document: Document, units: list[Unit], before: dict[int, set[int]], done: set[int]) -> int:
    """Return the unit to go on with when all wait for each other. A cycle of calculations is noted as a problem."""
    number = min(number for number in before if number not in done)
    trail: list[int] = []
    while number not in trail:
        trail.append(number)
        number = min(need for need in before[number] if need not in done)
    cycle = trail[trail.index(number) :]
    hide_each_other = len(cycle) > 1 and all(units[i].kind == "relevant" and units[i].place.is_leaf for i in cycle)
    if not hide_each_other:
        names = " → ".join([*dict.fromkeys(units[i].place.name for i in cycle), units[cycle[0]].place.name])
        document.problem("expression.cycle", units[min(cycle)].place.path, names=names)
    return min(cycle)
