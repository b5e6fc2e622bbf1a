"""A document while it is being read: what was found so far, and every problem."""

from collections.abc import Mapping
from xml.etree.ElementTree import Element

from conversations.xforms.document.xml import parse_xml
from conversations.xforms.form import Form, Group
from conversations.xforms.nodes import Place
from conversations.xforms.problems import Problem, Severity


class Document:
    """The form so far, and the parts that are still to be compiled: bindings, controls and actions, by their place."""

    def __init__(self, xml: str | bytes, media: Mapping[str, bytes]) -> None:
        self.root = parse_xml(xml.encode() if isinstance(xml, str) else xml)
        self.media = media
        self.form = Form()
        self.problems: list[Problem] = []
        self.binds: dict[Place, Element] = {}
        self.controls: dict[Place, Element] = {}
        self.setvalues: list[tuple[Element, Place | None]] = []
        self.group_of: dict[Place, Group | None] = {}
        self.groups: list[Group] = []
        self.repeat_paths: set[str] = set()
        self.locations: set[Place] = set()
        self.recordings: set[Place] = set()
        self.unreadable: set[str] = set()

    def problem(self, code: str, place: str = "", *, severity: Severity = "error", **values: object) -> None:
        """Note a problem, once."""
        found = Problem(code, values={"node": place, **values}, severity=severity)
        if found not in self.problems:
            self.problems.append(found)
