"""Make the plan the one list: facts that forms or prefixes of codes had become columns.

The beginning of an activity's code said that it was restricted, besides the column. From now on only the column says
it, so the restriction is written into the column and stays. The list of agencies that are asked for referrals was in
the form; now it is a column of the plan. Places that only a form had are added to the plan's own.
"""

import re
from xml.etree import ElementTree  # of what this bot itself has written

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

XFORMS = "{http://www.w3.org/2002/xforms}"
RESTRICTED_PREFIXES = ("ASI", "PER-2")
"""What was restricted by its code until now, in every plan."""


def upgrade() -> None:
    op.add_column("plan", sa.Column("lists_revision", sa.String(16), nullable=False, server_default=""))
    op.add_column("agency", sa.Column("reports_referrals", sa.Boolean(), nullable=False, server_default=sa.false()))
    activity = sa.table("activity", sa.column("code", sa.String), sa.column("sensitivity", sa.String))
    op.execute(
        sa.update(activity)
        .where(sa.or_(*(activity.c.code.like(f"{prefix}%") for prefix in RESTRICTED_PREFIXES)))
        .values(sensitivity="restricted")
    )
    connection = op.get_bind()
    code = sa.table(
        "code",
        *(sa.column(name) for name in ("plan_id", "list", "code", "position")),
        sa.column("label", sa.JSON),
        sa.column("attributes", sa.JSON),
    )
    agency = sa.table("agency", sa.column("id"), sa.column("plan_id"), sa.column("code"), sa.column("reports_referrals"))
    form = sa.table("form", sa.column("id"), sa.column("plan_id"), sa.column("form_id"))
    version = sa.table("form_version", sa.column("form_id"), sa.column("xform"), sa.column("published_at"))
    published = (
        sa.select(form.c.plan_id, version.c.xform)
        .join(version, version.c.form_id == form.c.id)
        .where(form.c.form_id == "incident_free_text")
        .order_by(version.c.published_at)
    )
    newest = dict(iter(connection.execute(published)))
    for plan_id, xform in newest.items():
        connection.execute(
            sa.update(agency)
            .where(agency.c.plan_id == plan_id, agency.c.code.in_(sorted(_listed(xform, "agency"))))
            .values(reports_referrals=sa.true())
        )
        known = sa.select(code.c.code).where(code.c.plan_id == plan_id, code.c.list == "region")
        places = set(connection.execute(known).scalars())
        added = [
            {"plan_id": plan_id, "list": "region", "code": name, "label": label, "attributes": {}, "position": number}
            for number, (name, label) in enumerate(_listed(xform, "region").items(), 1)
            if name not in places
        ]
        if added:
            connection.execute(sa.insert(code), added)


def _listed(xform: str, name: str) -> dict[str, dict[str, str]]:
    """The choices of a list of the form, each with its words by language."""
    root = ElementTree.fromstring(xform)
    words: dict[str, dict[str, str]] = {}
    for translation in root.iter(f"{XFORMS}translation"):
        language = re.search(r"\((\w+)\)", translation.get("lang", ""))
        for text in translation.iter(f"{XFORMS}text"):
            value = text.findtext(f"{XFORMS}value") or ""
            if language and value:
                words.setdefault(text.get("id", ""), {})[language[1]] = value
    instance = next((each for each in root.iter(f"{XFORMS}instance") if each.get("id") == name), None)
    found: dict[str, dict[str, str]] = {}
    for item in instance.iter(f"{XFORMS}item") if instance is not None else ():
        code = item.findtext(f"{XFORMS}name") or ""
        label = item.findtext(f"{XFORMS}label") or ""
        found[code] = words.get(item.findtext(f"{XFORMS}itextId") or "", {"es": label or code})
    return found


def downgrade() -> None:
    op.drop_column("agency", "reports_referrals")
    op.drop_column("plan", "lists_revision")
