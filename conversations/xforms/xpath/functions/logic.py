"""Functions that choose between values, and functions of truth."""

from conversations.xforms.xpath.compiler import Compiler
from conversations.xforms.xpath.conversions import Compiled, fixed
from conversations.xforms.xpath.expression import Get, Kind, Scope
from conversations.xforms.xpath.syntax import Call


def if_(compiler: Compiler, call: Call) -> Compiled:
    """if(): if both branches are of one kind, the result is of that kind."""
    test = compiler.plain_truth(compiler.compile(call.arguments[0]))
    yes, no = compiler.compile(call.arguments[1]), compiler.compile(call.arguments[2])
    a: Get
    b: Get
    kind: Kind
    if yes.kind == no.kind and yes.kind in ("number", "boolean", "items"):
        kind, a, b = yes.kind, yes.get, no.get
    elif {yes.kind, no.kind} <= {"string", "node", "nodes", "items"}:
        kind, a, b = "string", compiler.text(yes), compiler.text(no)
    else:
        kind = "any"
        a, b = (part.get if part.kind in ("number", "boolean", "any") else compiler.text(part) for part in (yes, no))
    return Compiled(kind, lambda s: a(s) if test(s) else b(s))


def coalesce(compiler: Compiler, call: Call) -> Compiled:
    gets = [compiler.text(compiler.compile(tree)) for tree in call.arguments]

    def coalesce(scope: Scope) -> str:
        for get in gets:
            if (found := get(scope)) != "":
                return found
        return ""

    return Compiled("string", coalesce)


def once(compiler: Compiler, call: Call) -> Compiled:
    """once(): keep the first value that was not blank."""
    fresh = compiler.text(compiler.compile(call.arguments[0]))
    slot = 0 if compiler.origin.is_repeat else compiler.origin.slot
    compiler.reads.own_value = True
    if compiler.origin_outside:
        return Compiled("string", fresh)
    return Compiled("string", lambda s: s.origin.values[slot] or fresh(s))


def boolean(compiler: Compiler, call: Call) -> Compiled:
    """boolean(): nodes are true if there are any, blank or not, as XPath defines it."""
    compiled = compiler.compile(call.arguments[0])
    if compiled.kind == "node":
        return fixed(True, "boolean")
    if compiled.kind in ("nodes", "items"):
        nodes = compiled.get
        return Compiled("boolean", lambda s: bool(nodes(s)))
    return Compiled("boolean", compiler.truth(compiled))


def checklist(compiler: Compiler, call: Call) -> Compiled:
    least, most = (compiler.number(compiler.compile(tree)) for tree in call.arguments[:2])
    tests = [compiler.truth(compiler.compile(tree)) for tree in call.arguments[2:]]

    def checklist(scope: Scope) -> bool:
        ticked = sum(1 for test in tests if test(scope))
        return _within(ticked, least(scope), most(scope))

    return Compiled("boolean", checklist)


def weighted_checklist(compiler: Compiler, call: Call) -> Compiled:
    least, most = (compiler.number(compiler.compile(tree)) for tree in call.arguments[:2])
    pairs = [
        (compiler.truth(compiler.compile(call.arguments[i])), compiler.number(compiler.compile(call.arguments[i + 1])))
        for i in range(2, len(call.arguments) - 1, 2)
    ]

    def checklist(scope: Scope) -> bool:
        weight = sum(w(scope) for test, w in pairs if test(scope))
        return _within(weight, least(scope), most(scope))

    return Compiled("boolean", checklist)


def _within(value: float, least: float, most: float) -> bool:
    """Compare with both bounds. A negative bound does not count."""
    return (least < 0 or value >= least) and (most < 0 or value <= most)
