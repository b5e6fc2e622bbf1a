"""Compile paths over secondary instances: choice lists, attached files, the last submission."""

from collections.abc import Callable, Sequence

from conversations.xforms.nodes import LAST_SAVED, Item
from conversations.xforms.xpath.conversions import Compiled, Conversions, all_of
from conversations.xforms.xpath.expression import Get, Scope, counted
from conversations.xforms.xpath.syntax import (
    Call,
    Chain,
    ExpressionError,
    Path,
    Step,
    Text,
    Tree,
    asks_position,
    is_column,
    is_relative,
    weight_of,
)


class ItemPaths(Conversions):
    """Compiles paths over items. A path that starts at a fixed list is followed while compiling, as far as possible."""

    def compile_in_item(self, tree: Tree) -> Compiled:
        """Compile the expression in brackets after items. A relative path in it starts at the item."""
        saved, self.in_item = self.in_item, True
        compiled = self.compile(tree)
        self.in_item = saved
        return compiled

    def instance_items(self, call: Call) -> tuple[list[Item] | None, Get]:
        """The items that instance('name') starts from: a fixed list, and a getter for it."""
        if len(call.arguments) != 1 or not isinstance(call.arguments[0], Text):
            raise ExpressionError("arguments", call.at, function="instance")
        name = call.arguments[0].value
        if name == LAST_SAVED:
            return None, lambda s: s.session.last_saved_items()
        found = self.surroundings.instances.get(name)
        if found is None:
            self.reads.unknown.append(f"instance('{name}')")
        start = [found] if found else []
        return start, lambda _s: start

    def items_here(self, steps: Sequence[Step]) -> Compiled:
        """Compile a relative path from the item being tested."""
        if is_column(Path("", tuple(steps))):
            name = steps[0].name
            return Compiled("items", lambda s: s.item.children.get(name, ()))  # type: ignore[union-attr]
        return self.items((None, lambda s: [s.item]), steps)

    def items(self, start: tuple[list[Item] | None, Get], steps: Sequence[Step]) -> Compiled:
        fixed, get = start
        for step in steps:
            fixed, get = self.item_step(fixed, get, step)
        if fixed is not None:
            found = fixed
            return Compiled("items", lambda _s: found, is_fixed=True)
        return Compiled("items", get)

    def item_step(self, fixed: list[Item] | None, get: Get, step: Step) -> tuple[list[Item] | None, Get]:
        """Take one step from each item. A fixed list stays fixed."""
        name = step.name
        move: Callable[[list[Item]], list[Item]]
        match step.axis:
            case "child" if name == "*":
                move = lambda items: [c for item in items for group in item.children.values() for c in group]  # noqa: E731
            case "child":
                move = lambda items: [c for item in items for c in item.children.get(name, ())]  # noqa: E731
            case "parent":
                move = lambda items: list(dict.fromkeys(i.parent for i in items if i.parent is not None))  # noqa: E731
            case "self":
                move = lambda items: [item for item in items if name in ("*", item.name)]  # noqa: E731
            case "descendant-or-self" | "descendant":
                move = lambda items: [  # noqa: E731
                    d for i in items for d in ((i, *i.descendants()) if step.axis != "descendant" else i.descendants())
                ]
            case _:
                move = lambda _items: []  # noqa: E731
        if fixed is not None:
            moved = move(fixed)
            return self.item_predicates(moved, None, step.predicates)
        return self.item_predicates(None, counted(lambda s: move(get(s))), step.predicates)

    def item_predicates(
        self, fixed: list[Item] | None, get: Get | None, predicates: Sequence[Tree]
    ) -> tuple[list[Item] | None, Get]:
        """Keep the items that pass every test in brackets."""
        for tree in predicates:
            indexed = self.indexed(fixed, tree) if fixed is not None else None
            if indexed is not None:
                fixed, get = None, indexed
                continue
            test = self.predicate(self.compile_in_item(tree))
            source: Get = get if get is not None else _always(fixed or [])
            fixed, get = None, filter_items(test, source, weight_of([tree]))
        return fixed, get if get is not None else _always(fixed or [])

    def indexed(self, fixed: list[Item], tree: Tree) -> Get | None:
        """Compile `[name = key]` over a fixed list as a look-up: nobody walks through 5 000 municipalities."""
        rest: list[Tree] = []
        if isinstance(tree, Chain) and {symbol for symbol, _ in tree.rest} == {"and"}:
            rest = [part for _, part in tree.rest]
            tree = tree.first
        if not (isinstance(tree, Chain) and len(tree.rest) == 1 and tree.rest[0][0] == "="):
            return None
        sides = (tree.first, tree.rest[0][1])
        column = next((side for side in sides if is_column(side)), None)
        if column is None or any(asks_position(part) for part in rest):
            return None
        key_tree = sides[1] if column is sides[0] else sides[0]
        if is_relative(key_tree):
            return None
        key = self.compile_in_item(key_tree)
        if key.kind not in ("string", "node"):
            return None
        text = self.text(key)
        tests = [self.truth(self.compile_in_item(part)) for part in rest]
        name = column.steps[0].name
        index: dict[str, list[Item]] = {}
        for item in fixed:
            for value in dict.fromkeys(child.text for child in item.children.get(name, ())):
                index.setdefault(value, []).append(item)
        if not tests:
            return lambda s: index.get(text(s), [])
        test = tests[0] if len(tests) == 1 else all_of(tests)
        return filter_items(test, lambda s: index.get(text(s), []), weight_of(rest))


def _always(items: list[Item]) -> Get:
    return lambda _s: items


def filter_items(test: Callable[[Scope], bool], source: Get, weight: int) -> Get:
    """Keep the items that pass a test. Each test costs `weight` steps."""

    def check(scope: Scope) -> list[Item]:
        items = source(scope)
        scope.session.spend(len(items) * weight)
        before = scope.item, scope.position, scope.size
        scope.size = len(items)
        kept: list[Item] = []
        for position, item in enumerate(items, 1):
            scope.item, scope.position = item, position
            if test(scope):
                kept.append(item)
        scope.item, scope.position, scope.size = before
        return kept

    return check
