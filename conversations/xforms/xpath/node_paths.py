"""Compile paths over the form's own nodes: how many frames to climb, which slot to read there.

A path is followed once, when the form is published. A closure over the frames of `conversations.xforms.nodes` remains.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from conversations.xforms.nodes import Frame, FrameType, Place
from conversations.xforms.xpath.conversions import Compiled
from conversations.xforms.xpath.expression import Get, Scope, counted
from conversations.xforms.xpath.item_paths import ItemPaths
from conversations.xforms.xpath.syntax import Call, ExpressionError, Path, Step, Tree, weight_of


@dataclass(frozen=True, slots=True)
class Route:
    """The way to the nodes at one place: `get` returns one frame (`single`) or a list of frames."""

    place: Place
    single: bool
    get: Get
    is_local: bool
    # Still on the way from the form's root to where the expression stands.
    on_chain: bool = False
    outside: bool = False
    # The document itself, above the form's root: `../../data/name` passes through it.
    is_document: bool = False


def own_frame(scope: Scope) -> Frame:
    return scope.frame


def origin_frame(scope: Scope) -> Frame:
    return scope.origin


def climb(levels: int) -> Get:
    """Get the frame that lies so many levels around the own one."""
    if levels == 0:
        return own_frame
    if levels == 1:
        return lambda scope: scope.frame.parent

    def climb(scope: Scope) -> Frame:
        frame: Frame = scope.frame
        for _ in range(levels):
            frame = frame.parent  # type: ignore[assignment]
        return frame

    return climb


def _leaf_reader(place: Place, frame: Get) -> Get:
    slot = place.slot if place.inner is None else 0
    if frame is own_frame:

        def own(scope: Scope) -> str:
            here = scope.frame
            return here.values[slot] if here.relevant[slot] else ""

        return own

    def there(scope: Scope) -> str:
        found: Frame = frame(scope)
        return found.values[slot] if found.relevant[slot] else ""

    return there


class NodePaths(ItemPaths):
    """Compiles paths over the nodes of the form. Each step turns routes into routes."""

    def path(self, tree: Path, *, all_instances: bool = False) -> Compiled:
        """Compile a path: from the form's root, from here, from current(), from instance(), or from any nodes."""
        start, steps = tree.start, tree.steps
        if isinstance(start, Call) and start.name == "current" and not start.arguments:
            return self.from_routes([self.origin_route()], steps, all_instances=True)
        if isinstance(start, Call) and start.name == "instance":
            return self.items(self.instance_items(start), steps)
        if isinstance(start, str):
            if start == "" and self.in_item:
                return self.items_here(steps)
            if start == "":
                # Up and down again, as in `../pet/what`, comes back to the instance one stands in (JavaRosa).
                own = Route(self.place, True, own_frame, not self.is_iterating, on_chain=True, outside=self.outside)
                return self.from_routes([own], steps, all_instances=all_instances)
            return self.absolute(steps, tree.at, all_instances=all_instances)
        base = self.compile(start)
        if base.kind == "items":
            return self.items((None, base.get), steps)
        nodes = self.as_nodes(base)
        if nodes is None:
            raise ExpressionError("not_nodes", tree.at, found="/")
        return self.from_nodes(base, nodes, steps)

    def origin_route(self) -> Route:
        return Route(self.origin, True, origin_frame, True, outside=self.origin_outside)

    def absolute(self, steps: Sequence[Step], at: int, *, all_instances: bool) -> Compiled:
        """Compile a path from the form's root. A path that leads nowhere is noted, and yields no nodes."""
        root = self.surroundings.root
        levels = self.frame_here().depth
        outermost = Route(root, True, climb(levels), True, on_chain=True)
        if not steps:
            return self.finish([outermost])
        if steps[0].axis == "descendant-or-self":
            return self.from_routes(self.below(outermost), steps[1:], all_instances=all_instances)
        if steps[0].axis != "child" or steps[0].name not in (root.name, "*"):
            self.reads.unknown.append("/" + "/".join(step.name for step in steps))
            return Compiled("nodes", lambda _s: [])
        return self.from_routes([outermost], steps[1:], all_instances=all_instances)

    def frame_here(self) -> FrameType:
        """The type of frame that the part being compiled stands in."""
        return self.place.frame if self.outside else self.place.home

    def from_routes(self, routes: list[Route], steps: Sequence[Step], *, all_instances: bool) -> Compiled:
        """Follow steps from these routes. A step that leads nowhere is noted in `reads.unknown`."""
        for index, step in enumerate(steps):
            is_last = index == len(steps) - 1
            contextual = not all_instances and not is_last
            found = [after for route in routes for after in self.step(route, step, contextual=contextual)]
            if not found and routes and step.name != "*":
                self.reads.unknown.append(f"{routes[0].place.path}/{step.name}")
            routes = found
        return self.finish(routes)

    def finish(self, routes: list[Route]) -> Compiled:
        """Make the routes at the end of a path into one part: a single node, or a list."""
        routes = [route for route in routes if not route.is_document]
        places = tuple(dict.fromkeys(route.place for route in routes))
        if len(routes) == 1 and routes[0].single:
            route = routes[0]
            place, frame = route.place, route.get
            if route.outside and place.is_repeat:
                return Compiled("nodes", lambda _s: [], places=(place,))
            return Compiled("node", _leaf_reader(place, frame), place=place, frame=frame, is_local=route.is_local)
        if len(routes) == 1:
            place, get = routes[0].place, routes[0].get
            return Compiled("nodes", lambda s: [(f, place) for f in get(s)], places=places, is_local=False)
        gets = [(route.place, route.get, route.single) for route in routes]

        def nodes(scope: Scope) -> list[tuple[Frame, Place]]:
            found: list[tuple[Frame, Place]] = []
            for place, get, single in gets:
                found.extend([(get(scope), place)] if single else [(frame, place) for frame in get(scope)])
            return found

        return Compiled("nodes", nodes, places=places, is_local=False)

    def step(self, route: Route, step: Step, *, contextual: bool) -> list[Route]:
        """Follow one step along its axis."""
        if route.is_document:
            if step.axis != "child" or step.name not in ("*", route.place.name):
                return []
            return [Route(route.place, route.single, route.get, route.is_local)]
        if route.outside and route.place.is_repeat and step.axis != "parent":
            route = self.all_of(route)
        match step.axis:
            case "child":
                children = route.place.children
                targets = list(children.values()) if step.name == "*" else [
                    child for child in (children.get(step.name),) if child is not None
                ]  # fmt: skip
                return [self.into(route, target, step.predicates, contextual=contextual) for target in targets]
            case "parent":
                return self.up_from(route, step)
            case "self":
                if step.name not in ("*", route.place.name):
                    return []
                return [self.filtered(route, step.predicates)]
            case "descendant-or-self":
                return self.below(route)
            case "descendant":
                return [
                    self.filtered(found, step.predicates)
                    for found in self.below(route)[1:]
                    if step.name in ("*", found.place.name)
                ]
            case _:
                return []

    def all_of(self, route: Route) -> Route:
        """Go from a repeat, seen from around it, to all its instances: its content lies only in them."""
        self.reads.repeats.add(route.place)
        slot, around = route.place.slot, route.get
        return Route(route.place, False, counted(lambda s: around(s).repeats[slot]), False)

    def below(self, route: Route) -> list[Route]:
        """The place of this route and everything below it."""
        found = [route]
        for child in route.place.children.values():
            found.extend(self.below(self.into(route, child, (), contextual=False)))
        return found

    def into(self, route: Route, target: Place, predicates: Sequence[Tree], *, contextual: bool) -> Route:
        """Go one step down. If the expression itself stands in this repeat, go to its own instance."""
        if not target.is_repeat:
            after = Route(target, route.single, route.get, route.is_local, on_chain=route.on_chain)
            return self.filtered(after, predicates)
        assert target.inner is not None
        here = self.frame_here()
        if route.on_chain and contextual and not predicates and target.inner in here.chain():
            levels = here.depth - target.inner.depth
            return Route(target, True, climb(levels), not self.is_iterating, on_chain=True)
        self.reads.repeats.add(target)
        slot, get = target.slot, route.get
        check = self.frame_predicates(target, predicates)
        instances: Get
        if route.single:
            if check is None:
                instances = lambda s: get(s).repeats[slot]  # noqa: E731
            else:
                keep = check
                instances = lambda s: keep(s, get(s).repeats[slot])  # noqa: E731
        else:

            def instances(scope: Scope) -> list[Frame]:
                found: list[Frame] = []
                for frame in get(scope):
                    found.extend(frame.repeats[slot] if check is None else check(scope, frame.repeats[slot]))
                return found

        return Route(target, False, counted(instances), False)

    def up_from(self, route: Route, step: Step) -> list[Route]:
        """Go one step up. From an instance of a repeat this leaves its frame."""
        parent = route.place.parent
        if parent is None:
            return [Route(route.place, route.single, route.get, route.is_local, is_document=True)]
        if step.name not in ("*", parent.name):
            return []
        get = route.get
        if not route.place.is_repeat or route.outside:
            up = Route(parent, route.single, get, route.is_local, on_chain=route.on_chain)
            return [self.filtered(up, step.predicates)]
        above: Get
        if route.single and get is own_frame:
            above = climb(1)
        elif route.single:
            above = lambda s: get(s).parent  # noqa: E731
        else:
            above = lambda s: list(dict.fromkeys(frame.parent for frame in get(s)))  # noqa: E731
        up = Route(parent, route.single, above, route.is_local, on_chain=route.on_chain)
        return [self.filtered(up, step.predicates)]

    def filtered(self, route: Route, predicates: Sequence[Tree]) -> Route:
        """Keep the nodes that pass every test in brackets."""
        check = self.frame_predicates(route.place, predicates)
        if check is None:
            return route
        get = route.get
        if route.single:
            return Route(route.place, False, lambda s: check(s, [get(s)]), False)
        return Route(route.place, False, lambda s: check(s, get(s)), False)

    def frame_predicates(
        self, place: Place, predicates: Sequence[Tree]
    ) -> Callable[[Scope, list[Frame]], list[Frame]] | None:
        """Compile the tests in brackets into one function from frames to the frames that pass."""
        if not predicates:
            return None
        saved = self.place, self.outside, self.in_item, self.is_iterating
        self.place, self.outside, self.in_item, self.is_iterating = place, False, False, True
        tests = [self.predicate(self.compile(tree)) for tree in predicates]
        self.place, self.outside, self.in_item, self.is_iterating = saved
        weight = weight_of(predicates)

        def check(scope: Scope, frames: list[Frame]) -> list[Frame]:
            scope.session.spend(len(frames) * weight)
            before = scope.frame, scope.item, scope.position, scope.size
            scope.item = None
            for test in tests:
                kept: list[Frame] = []
                scope.size = len(frames)
                for position, frame in enumerate(frames, 1):
                    scope.frame, scope.position = frame, position
                    if test(scope):
                        kept.append(frame)
                frames = kept
            scope.frame, scope.item, scope.position, scope.size = before
            return frames

        return check

    def from_nodes(self, base: Compiled, nodes: Get, steps: Sequence[Step]) -> Compiled:
        """Follow steps after a function or parentheses: each node that they yield is a start of its own."""
        routes = []
        for place in base.named:

            def get(scope: Scope, place: Place = place) -> list[Frame]:
                return [frame for frame, found in nodes(scope) if found is place]

            routes.append(Route(place, False, counted(get), False))
        return self.from_routes(routes, steps, all_instances=True)
