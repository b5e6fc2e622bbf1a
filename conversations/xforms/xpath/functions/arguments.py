"""The few ways in which most functions compile their arguments."""

from collections.abc import Callable
from typing import Any

from conversations.xforms.limits import LONG, LONG_STEP
from conversations.xforms.nodes import Place
from conversations.xforms.xpath.compiler import Build, Compiler
from conversations.xforms.xpath.conversions import Compiled, fixed
from conversations.xforms.xpath.expression import Get, Kind, Reads, Scope
from conversations.xforms.xpath.syntax import Call, ExpressionError, Path, Step, Tree


def of_values(kind: Kind, signature: str, function: Callable[..., Any]) -> Build:
    """A function of plain values.

    `signature` has a letter for each argument: t text, n number, b truth. The last letter counts for all further
    arguments. A number argument that is blank is NaN.
    """

    def build(compiler: Compiler, call: Call) -> Compiled:
        gets: list[Get] = []
        is_constant = True
        for index, tree in enumerate(call.arguments):
            letter = signature[min(index, len(signature) - 1)]
            compiled = compiler.compile(tree)
            is_constant = is_constant and compiled.constant
            gets.append({"t": compiler.text, "n": compiler.number, "b": compiler.truth}[letter](compiled))
        if is_constant:
            return fixed(function(*(get(None) for get in gets)), kind)  # type: ignore[arg-type]
        if signature[0] == "t":
            gets[0] = read_through(gets[0])
        match gets:
            case [a]:
                return Compiled(kind, lambda s: function(a(s)))
            case [a, b]:
                return Compiled(kind, lambda s: function(a(s), b(s)))
            case [a, b, c]:
                return Compiled(kind, lambda s: function(a(s), b(s), c(s)))
            case _:
                return Compiled(kind, lambda s: function(*[get(s) for get in gets]))

    return build


def of_all_texts(kind: Kind, function: Callable[[list[str]], Any]) -> Build:
    """A function of the texts of all nodes in all arguments: sum(), max(), min() …"""

    def build(compiler: Compiler, call: Call) -> Compiled:
        gets = [compiler.texts(compiler.compile(tree, all_instances=True)) for tree in call.arguments]
        if len(gets) == 1:
            get = gets[0]
            return Compiled(kind, lambda s: function(get(s)))
        return Compiled(kind, lambda s: function([text for get in gets for text in get(s)]))

    return build


def or_of_own_value(build: Build) -> Build:
    """A function that takes the node it stands at if it gets no argument: string(), number() …"""

    def either(compiler: Compiler, call: Call) -> Compiled:
        if call.arguments:
            return build(compiler, call)
        return build(compiler, Call(call.name, (Path("", (Step("self", "*"),)),), call.at))

    return either


def read_through(get: Get) -> Get:
    """Get the same text. A long text costs steps by its length."""

    def read(scope: Scope) -> str:
        text: str = get(scope)
        if len(text) > LONG:
            scope.session.spend(len(text) // LONG_STEP)
        return text

    return read


def place_of(compiler: Compiler, tree: Tree, call: Call) -> Place:
    """The one place that a path names. ExpressionError if it names none or several."""
    probe = Compiler(
        compiler.surroundings, Reads(), compiler.place, functions=compiler.functions, outside=compiler.outside
    )
    match probe.compile(tree).named:
        case (place,):
            return place
    raise ExpressionError("not_nodes", call.at, found=call.name)
