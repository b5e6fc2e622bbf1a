"""Functions of nodes: count, position, an instance of a repeat, an order, the label of a choice."""

import hashlib
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from conversations.xforms.nodes import Item
from conversations.xforms.xpath.compiler import Compiler
from conversations.xforms.xpath.conversions import Compiled, fixed
from conversations.xforms.xpath.expression import Kind, Scope, counted
from conversations.xforms.xpath.functions.arguments import place_of
from conversations.xforms.xpath.node_paths import climb
from conversations.xforms.xpath.syntax import Call, ExpressionError, parse
from conversations.xforms.xpath.values import NAN, number_of, to_text


def count(compiler: Compiler, call: Call) -> Compiled:
    compiled = compiler.compile(call.arguments[0], all_instances=True)
    nodes = compiler.must_be_nodes(compiled, call)
    return Compiled("number", lambda s: float(len(nodes(s))))


def position(compiler: Compiler, call: Call) -> Compiled:
    """position() here, or position(node): the number of its instance among those of its repeat."""
    if not call.arguments:
        return Compiled("number", lambda s: float(s.position))
    compiled = compiler.compile(call.arguments[0], all_instances=True)
    compiler.reads.repeats.update(place for place in compiled.named if place.is_repeat)
    if compiled.kind == "items":
        items = compiled.get

        def item_position(scope: Scope) -> float:
            found = items(scope)
            if not found or found[0].parent is None:
                return 1.0 if found else NAN
            scope.session.spend(len(found[0].parent.children[found[0].name]))
            return float(found[0].parent.children[found[0].name].index(found[0]) + 1)

        return Compiled("number", item_position)
    nodes = compiler.must_be_nodes(compiled, call)

    def position(scope: Scope) -> float:
        found = nodes(scope)
        if not found:
            return NAN
        frame, place = found[0]
        return float(frame.index + 1) if place.is_repeat else 1.0

    return Compiled("number", position)


def last(_compiler: Compiler, _call: Call) -> Compiled:
    return Compiled("number", lambda s: float(s.size))


def indexed_repeat(compiler: Compiler, call: Call) -> Compiled:
    """indexed-repeat(node, repeat, index, …): the node in that instance; blank if there is no such instance."""
    if len(call.arguments) % 2 == 0:
        raise ExpressionError("arguments", call.at, function=call.name)
    target = place_of(compiler, call.arguments[0], call)
    wanted = {
        place_of(compiler, call.arguments[i], call): compiler.number(compiler.compile(call.arguments[i + 1]))
        for i in range(1, len(call.arguments), 2)
    }
    chain = [frame_type for frame_type in reversed(target.home.chain()) if frame_type.place is not None]
    here = compiler.frame_here()
    own = set(here.chain())
    compiler.reads.values[target] = False
    compiler.reads.repeats.update(t.place for t in chain if t.place is not None)
    slot = 0 if target.is_repeat else target.slot
    levels = here.depth

    def indexed_repeat(scope: Scope) -> str:
        frame = climb(levels)(scope)
        for frame_type in chain:
            place = frame_type.place
            assert place is not None
            instances = frame.repeats[place.slot]
            if place in wanted:
                index = wanted[place](scope)
                at = int(index) - 1 if index == index and abs(index) < 1e9 else -1
            elif frame_type in own and (around := scope.frame.at(frame_type)).parent is frame:
                at = around.index
            else:
                at = 0
            if not 0 <= at < len(instances):
                return ""
            frame = instances[at]
        return frame.values[slot] if frame.relevant[slot] else ""

    return Compiled("string", indexed_repeat)


def instance(compiler: Compiler, call: Call) -> Compiled:
    return compiler.items(compiler.instance_items(call), ())


def current(compiler: Compiler, _call: Call) -> Compiled:
    return compiler.from_routes([compiler.origin_route()], (), all_instances=True)


def pulldata(compiler: Compiler, call: Call) -> Compiled:
    """pulldata(file, column, key column, key): the column of the first row with that key.

    The file's name may be computed: then it is one of those that the form brings, or there is no such row.
    """
    instances = compiler.surroundings.instances
    name = compiler.compile(call.arguments[0])
    if name.constant and to_text(name.value) not in instances:
        compiler.reads.unknown.append(f"instance('{to_text(name.value)}')")
    file, column, key_column, key = (compiler.text(compiler.compile(tree)) for tree in call.arguments)
    tables = {
        named: [row for top in root.children.get("root", ()) for row in top.children.get("item", ())]
        for named, root in instances.items()
        if not name.constant or named == to_text(name.value)
    }
    indexes: dict[tuple[str, str], dict[str, Item]] = {}

    def rows_by(named: str, by: str) -> Mapping[str, Item]:
        """Return the first row of each key. For a missing file or column, return nothing, and remember nothing."""
        if (named, by) not in indexes:
            rows = [row for row in tables.get(named, ()) if by in row.children]
            if not rows:
                return {}
            indexes[named, by] = {row.child_text(by): row for row in reversed(rows)}
        return indexes[named, by]

    def pulldata(scope: Scope) -> str:
        found = rows_by(file(scope), key_column(scope)).get(key(scope))
        return found.child_text(column(scope)) if found is not None else ""

    return Compiled("string", pulldata)


def name_of(compiler: Compiler, call: Call) -> Compiled:
    if not call.arguments:
        return fixed(compiler.place.name, "string")
    compiled = compiler.compile(call.arguments[0])
    nodes = compiler.must_be_nodes(compiled, call)
    if compiled.kind == "items":
        return Compiled("string", lambda s: found[0].name if (found := nodes(s)) else "")
    return Compiled("string", lambda s: found[0][1].name if (found := nodes(s)) else "")


def version(compiler: Compiler, _call: Call) -> Compiled:
    return fixed(compiler.surroundings.version, "string")


def randomize(compiler: Compiler, call: Call) -> Compiled:
    """randomize(): the same nodes in another order, which the seed decides, or else the session."""
    compiled = compiler.compile(call.arguments[0], all_instances=True)
    ordered = counted(compiler.must_be_nodes(compiled, call))
    kind: Kind = "items" if compiled.kind == "items" else "nodes"
    seed: Callable[[Scope], int]
    if len(call.arguments) > 1:
        seed_text = compiler.text(compiler.compile(call.arguments[1]))
        seed = lambda s: _seed(seed_text(s))  # noqa: E731
    else:
        origin = compiler.origin
        seed = lambda s: s.session.order_seed(origin)  # noqa: E731
    return Compiled(kind, lambda s: shuffled(ordered(s), seed(s)), places=compiled.named, is_local=False)


def _seed(text: str) -> int:
    """A seed as an integer. A text that is no number gives its hash."""
    number = number_of(text)
    if math.isfinite(number):
        return int(number)
    if text == "":
        return 0
    return int.from_bytes(hashlib.sha256(text.encode("utf-8", "replace")).digest()[:8], "big", signed=True)


def shuffled(nodes: Sequence[Any], seed: int) -> list[Any]:
    """Shuffle with the Park-Miller generator, from the inside out: both reference engines do the same with a seed."""
    modulus = 2_147_483_647
    state = abs(seed) % modulus * (1 if seed > 0 else -1)
    if state <= 0:
        state += modulus - 1
    found: list[Any] = []
    for index, node in enumerate(nodes):
        state = state * 16_807 % modulus
        other = int((state - 1) / (modulus - 1) * (index + 1))
        found.append(node)
        if other != index:
            found[index] = found[other]
        found[other] = node
    return found


def choice_name(compiler: Compiler, call: Call) -> Compiled:
    """jr:choice-name(): the label of a value, from the choices of the question at that path."""
    value = compiler.text(compiler.compile(call.arguments[0]))
    compiler.reads.language = True
    written = compiler.compile(call.arguments[1])
    if not written.constant:
        raise ExpressionError("choice_name", call.at)
    compiled = compiler.compile(parse(to_text(written.value)))
    if len(compiled.named) != 1:
        raise ExpressionError("choice_name", call.at)
    place = compiled.named[0]
    compiler.reads.choice_names.add(place)
    if compiled.frame is not None:
        frame = compiled.frame
        return Compiled("string", lambda s: s.session.choice_name(place, frame(s), value(s)))
    nodes = compiled.get
    return Compiled("string", lambda s: s.session.choice_name(place, n[0][0], value(s)) if (n := nodes(s)) else "")


def itext(compiler: Compiler, call: Call) -> Compiled:
    text_id = compiler.text(compiler.compile(call.arguments[0]))
    compiler.reads.language = True
    origin = compiler.origin
    return Compiled("string", lambda s: s.session.itext(text_id(s), origin, s.origin))
