"""Reading an XForm: everything a session needs is in the form, and everything wrong is told at once."""

import pytest

from conversations.authoring.xlsform import read_xlsform
from conversations.xforms.document.read import read_xform
from conversations.xforms.form import Form
from conversations.xforms.problems import AuthorError

HEAD = (
    '<h:html xmlns="http://www.w3.org/2002/xforms" xmlns:h="http://www.w3.org/1999/xhtml" '
    'xmlns:jr="http://openrosa.org/javarosa" xmlns:enlace="https://example.org/enlace"><h:head><h:title>T</h:title>'
)


def xform(instance: str, model: str = "", body: str = "") -> str:
    return (
        f"{HEAD}<model><instance><data id='f' version='2'>{instance}</data></instance>{model}</model></h:head>"
        f"<h:body>{body}</h:body></h:html>"
    )


def codes(xml: str | bytes) -> list[str]:
    with pytest.raises(AuthorError) as refusal:
        read_xform(xml)
    return [problem.code for problem in refusal.value.problems]


def from_table(markdown: str) -> Form:
    return read_xlsform(markdown.encode(), "t.md").form


ENTITIES = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 12))
LAUGHS = f'<?xml version="1.0"?><!DOCTYPE h:html [<!ENTITY l0 "ha">{ENTITIES}]>' + xform("<a>&l11;</a>")
EXTERNAL = '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>' + xform("<a>&x;</a>")


@pytest.mark.parametrize("hostile", [LAUGHS, EXTERNAL], ids=["billion laughs", "external entity"])
def test_an_xform_with_a_document_type_is_refused_before_it_is_expanded(hostile):
    """S11: no entity is ever resolved, and refusing takes no time."""
    assert codes(hostile) == ["xform.doctype"]


@pytest.mark.parametrize(
    ("xml", "code"),
    [
        ("", "xform.not_xml"),
        ("<a>", "xform.not_xml"),
        ("\x00", "xform.not_xml"),
        (b"\xff\xfe\x00broken", "xform.not_xml"),
        ("<?xml version='1.0' encoding='no-such'?><a/>", "xform.not_xml"),
        ("<a/>", "xform.not_xform"),
        (HEAD + "</h:head><h:body/></h:html>", "xform.not_xform"),
        (HEAD + "<model><instance/></model></h:head><h:body/></h:html>", "xform.not_xform"),
    ],
)
def test_what_is_no_xform_is_refused(xml, code):
    """Whatever the bytes are, an AuthorError and nothing else."""
    assert codes(xml) == [code]


def test_all_problems_of_a_form_are_told_at_once():
    """Four mistakes, four problems, each naming its node."""
    xml = xform(
        "<a/><b/><c/>",
        '<bind nodeset="/data/a" relevant="1 +"/><bind nodeset="/data/b" calculate="nosuch(1)"/>'
        '<bind nodeset="/data/c" constraint="regex(., \'(?=x)\')"/>',
        '<input ref="/data/zz"><label>Z</label></input>',
    )

    assert sorted(codes(xml)) == [
        "expression.regex",
        "expression.unfinished",
        "expression.unknown_function",
        "xform.control_nowhere",
    ]


@pytest.mark.parametrize(
    ("first", "second"),
    [("${b} + 1", "${a} + 1"), ("${b} > 0", "count-selected(${a})")],
)
def test_a_circle_of_calculations_is_a_problem(first, second):
    """It has no order of evaluation; its author hears the names on the circle."""
    with pytest.raises(AuthorError) as refusal:
        from_table(f"""
| survey |
| | type | name | label | calculation |
| | text | t | T | |
| | calculate | a | | {first} |
| | calculate | b | | {second} |
""")

    (problem,) = refusal.value.problems
    assert problem.code == "expression.cycle"
    assert problem.values["names"] == "a → b → a"


def test_a_group_that_depends_on_its_own_question_is_a_circle():
    """It would hide the question that shows it."""
    with pytest.raises(AuthorError) as refusal:
        from_table("""
| survey |
| | type | name | label | relevant | calculation |
| | begin group | g | G | ${c} > 1 | |
| | calculate | c | | | 1 + 1 |
| | end group | | | | |
""")

    assert [p.code for p in refusal.value.problems] == ["expression.cycle"]


def test_units_come_after_what_they_read():
    """The rank of every unit is above the rank of whatever it reads: one pass settles everything."""
    form = from_table("""
| survey |
| | type | name | label | relevant | calculation | choice_filter |
| | calculate | d | | | ${c} + 1 | |
| | select_one l | s | S | ${d} > 1 | | k = ${c} |
| | calculate | c | | | ${b} + 1 | |
| | calculate | b | | | ${a} + 1 | |
| | integer | a | A | | | |
| choices |
| | list_name | name | label | k |
| | l | x | X | 2 |
""")

    rank = {(unit.place.name, unit.kind): unit.index for unit in form.units}
    assert rank["b", "calculate"] < rank["c", "calculate"] < rank["d", "calculate"] < rank["s", "relevant"]
    assert rank["s", "relevant"] < rank["s", "choices"]


def test_a_question_knows_all_its_author_wrote():
    """Type, appearance, parameters, group and the extension attributes of our own namespace."""
    form = read_xform(
        xform(
            "<g><n/><p/></g><h/>",
            '<bind nodeset="/data/g/n" type="int" constraint=". &gt; 0" enlace:sensitive="yes" enlace:previous="copy"/>'
            '<bind nodeset="/data/g/p" type="binary"/><bind nodeset="/data/h" type="string"/>',
            '<group ref="/data/g" appearance="field-list"><label>G</label>'
            '<range ref="/data/g/n" start="0" end="10" step="2" appearance="w1 no-ticks"><label>N</label></range>'
            '<upload ref="/data/g/p" mediatype="image/*"><label>P</label></upload></group>',
        )
    )

    n, p, h = form.questions
    assert (n.path, n.name, n.number, n.type, n.value_type, n.is_asked) == ("/data/g/n", "n", 0, "range", "int", True)
    assert n.appearances == ("w1", "no-ticks")
    assert {k: n.parameters[k] for k in ("start", "end", "step")} == {"start": "0", "end": "10", "step": "2"}
    assert n.extras == {"sensitive": "yes", "previous": "copy"}
    assert n.constraint_source == ". > 0"
    assert (n.group.name, n.group.is_field_list, n.group.is_repeat) == ("g", True, False)
    assert (p.type, h.type, h.is_asked) == ("image", "hidden", False)
    assert (form.form_id, form.version, form.title, form.languages) == ("f", "2", "T", ())
    assert form.question("n") is n
    with pytest.raises(KeyError):
        form.question("nosuch")


def test_what_leads_nowhere_in_an_xform_is_a_warning():
    """Both engines load such a form: a rule or a control without its node does nothing, and neither does a
    setvalue with a relative path. Namespaces do not matter to a path.
    """
    form = read_xform(
        xform(
            "<a/><meta xmlns='http://openrosa.org/xforms'><instanceID/></meta>",
            '<bind nodeset="/data/nosuch" relevant="1"/>'
            '<bind nodeset="/data/orx:meta/orx:instanceID" jr:preload="uid"/>',
            '<input ref="/data/gone"><label>G</label></input>'
            '<input ref="/data/a"><label>A</label>'
            '<setvalue event="xforms-value-changed" ref="../a" value="1"/></input>',
        )
    )

    assert [p.code for p in form.warnings] == ["xform.bind_nowhere", "xform.control_nowhere", "xform.setvalue_nowhere"]
    assert [q.path for q in form.questions] == ["/data/a", "/data/meta/instanceID"]


def test_older_xforms_are_read_too():
    """Inline choices, a group without ref, control types without a bind, a repeat without a template."""
    form = read_xform(
        xform(
            "<s/><r><x/></r><r><x/></r>",
            "",
            '<group appearance="field-list"><select1 ref="/data/s"><label>S</label>'
            "<item><label>One</label><value>1</value></item></select1></group>"
            '<repeat nodeset="/data/r"><input ref="/data/r/x"><label>X</label></input></repeat>',
        )
    )

    s, x = form.questions
    assert (s.type, s.group.is_field_list, s.group.path) == ("select_one", True, "")
    assert x.group.is_repeat
    assert len(form.frame.template.repeats[form.places["/data/r"].slot]) == 2


@pytest.mark.parametrize(
    ("name", "content", "found"),
    [
        ("t.csv", "name,label\na,Á\n", "Á"),
        ("t.csv", "\ufeffname;label\na;Á, b\n", "Á, b"),
        (
            "t.geojson",
            '{"features": [{"geometry": {"type": "Point", "coordinates": [-69.9, 18.5]}, '
            '"properties": {"name": "a", "label": "Á"}}]}',
            "Á",
        ),
        ("t.xml", "<root><item><name>a</name><label>Á</label></item></root>", "Á"),
    ],
)
def test_attached_files_become_choices(name, content, found):
    """CSV with comma or semicolon, GeoJSON and XML: root/item/column, as the specification says."""
    published = read_xlsform(
        f"| survey |\n| | type | name | label |\n| | select_one_from_file {name} | s | S |\n".encode(),
        "t.md",
        media={name: content.encode()},
    )

    source = published.form.instances["t"]
    (item,) = source.children["root"][0].children["item"]
    assert (item.child_text("name"), item.child_text("label")) == ("a", found)


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("t.csv", b"name\xff", "media.not_utf8"),
        ("t.geojson", b"[]", "media.unreadable"),
        ("t.geojson", b"[" * 100_000, "media.unreadable"),
        ("t.xml", b"<!DOCTYPE a><a/>", "xform.doctype"),
    ],
)
def test_an_attached_file_that_cannot_be_read_is_a_problem(name, content, code):
    """Never another exception, whatever somebody attached."""
    with pytest.raises(AuthorError) as refusal:
        read_xlsform(
            f"| survey |\n| | type | name | label |\n| | select_one_from_file {name} | s | S |\n".encode(),
            "t.md",
            media={name: content},
        )

    assert [p.code for p in refusal.value.problems] == [code]
