"""Compile an expression for one place of the form."""

from conversations.xforms.nodes import Place
from conversations.xforms.xpath.compiler import Compiler
from conversations.xforms.xpath.expression import Attachment, Expression, Reads, Surroundings
from conversations.xforms.xpath.functions.table import FUNCTIONS
from conversations.xforms.xpath.syntax import PRECEDENCE, Call, Chain, parse, weight_of


def compile_expression(
    source: str,
    place: Place,
    surroundings: Surroundings,
    *,
    outside: bool = False,
    in_item: bool = False,
    column: str = "",
) -> Expression:
    """Compile an expression that is attached to `place`.

    With `outside`, the expression of a repeat is evaluated in the frame around the repeat, not in one of its
    instances. With `in_item`, a relative path starts at an item of a secondary instance. Raises ExpressionError.
    """
    reads = Reads()
    compiler = Compiler(surroundings, reads, place, functions=FUNCTIONS, outside=outside, in_item=in_item)
    tree = parse(source)
    compiled = compiler.compile(tree)
    is_items = compiled.kind == "items"
    nodes = None if is_items else compiler.as_nodes(compiled)
    attached = Attachment(place, column, place.frame if outside else place.home, weight_of([tree]))
    return Expression(
        source=source,
        kind=compiled.kind,
        home=attached.home,
        text=attached.evaluate(compiler.text(compiled), is_constant=compiled.constant),
        truth=attached.evaluate(compiler.truth(compiled), is_constant=compiled.constant),
        nodes=attached.evaluate_all(nodes),
        items=attached.evaluate_all(compiled.get if is_items else None),
        node_kind="items" if is_items else "nodes" if nodes else "",
        node_places=compiled.named,
        reads=reads,
        constant=compiled.constant,
        is_fixed=compiled.is_fixed,
        column=column,
    )


def is_boolean(source: str) -> bool:
    """Whether an expression is true or false for every answer: a comparison, `and`, `selected()` …"""
    tree = parse(source)
    if isinstance(tree, Chain):
        return PRECEDENCE.get(tree.rest[0][0], 9) <= 4
    return isinstance(tree, Call) and tree.name in _BOOLEAN_FUNCTIONS


_BOOLEAN_FUNCTIONS = frozenset({
    "not", "true", "false", "boolean", "boolean-from-string", "selected", "regex", "contains", "starts-with",
    "ends-with", "checklist", "weighted-checklist", "geofence",
})  # fmt: skip
