"""Bring the tables of commit 7b6c921 to those of commit 9468034d."""

import re
from typing import Any
from xml.etree import ElementTree  # of what this bot itself has written

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0008"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True)
NEVER_AGAIN = {"sqlite_autoincrement": True}


def upgrade() -> None:
    _count_tries_and_owners()
    _make_the_plan_the_one_list()
    _add_what_rules_had_named_by_code()
    _add_cadences()
    _add_restricted_messages()
    _add_events()
    _add_the_data_door()
    _speed_up()
    _tell_changes()


def _column(name: str, kind: Any, *more: Any, **options: Any) -> sa.Column[Any]:
    """Return a column that is always filled."""
    return sa.Column(name, kind, *more, nullable=False, **options)


def _where(postgresql: str, sqlite: str = "") -> dict[str, Any]:
    """Return the condition of an index. SQLite uses such an index only if a question has the very words."""
    return {"postgresql_where": sa.text(postgresql), "sqlite_where": sa.text(sqlite or postgresql)}


# ------------------------------------------------------------------ processes, messages and jobs
def _count_tries_and_owners() -> None:
    """Store which process has what in hand, and count failures apart from claims.

    A job or reply that waits now begins with no failure, and has all its tries again. Rows that were made before have
    no mark: the bot, which has the keys, marks them when it first seals the log under this version.
    """
    op.create_table("replica", sa.Column("id", ID, primary_key=True), _column("started_at", INSTANT), **NEVER_AGAIN)
    op.add_column("outbox", sa.Column("owner", sa.BigInteger()))
    op.add_column("outbox", _column("doubts", sa.Integer(), server_default="0"))
    op.add_column("job", sa.Column("owner", sa.BigInteger()))
    op.add_column("job", _column("failures", sa.Integer(), server_default="0"))
    op.create_table(
        "suspect",
        sa.Column("kind", sa.String(8), primary_key=True),
        sa.Column("bot_id", sa.BigInteger(), primary_key=True),
        sa.Column("number", sa.BigInteger(), primary_key=True),
        _column("deaths", sa.Integer()),
        _column("marked_at", INSTANT),
    )
    op.create_table(
        "kept_update",
        sa.Column("id", ID, primary_key=True),
        _column("bot_id", sa.BigInteger()),
        _column("update_id", sa.BigInteger()),
        _column("chat_id", sa.BigInteger()),
        _column("sealed_update", sa.LargeBinary()),
        _column("kept_at", INSTANT),
        sa.UniqueConstraint("bot_id", "update_id", name=op.f("uq_kept_update_bot_id_update_id")),
    )
    op.create_index("ix_kept_update_line", "kept_update", ["bot_id", "chat_id", "id"])
    for name in ("membership", "submission"):
        op.add_column(name, sa.Column("mark", sa.String(32)))
    op.add_column("person", _column("form_language", sa.String(64), server_default=""))


# ------------------------------------------------------------------ the plan
RESTRICTED_PREFIXES = ("ASI", "PER-2")
"""What was restricted by its code until now, in every plan."""
XFORMS = "{http://www.w3.org/2002/xforms}"


def _make_the_plan_the_one_list() -> None:
    """Make columns of what a form, or the beginning of an activity's code, said besides the plan.

    Places that only a form had are added to the plan's own.
    """
    op.add_column("plan", _column("lists_revision", sa.String(16), server_default=""))
    op.add_column("agency", _column("reports_referrals", sa.Boolean(), server_default=sa.false()))
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
    agency = sa.table("agency", *(sa.column(name) for name in ("plan_id", "code", "reports_referrals")))
    form = sa.table("form", *(sa.column(name) for name in ("id", "plan_id", "form_id")))
    version = sa.table("form_version", *(sa.column(name) for name in ("form_id", "xform", "published_at")))
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
    """Return the choices of a list of the form, each with its words by language."""
    root = ElementTree.fromstring(xform)  # noqa: S314
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


COMPUTED = {"IND-17": "reporting_rate", "IND-18": "rate_on_time", "IND-19": "share_completed"}
ANNUAL_TABLE = {
    "prosecution": ("IND-10", "IND-11", "IND-12"),
    "protection": ("IND-20", "IND-22", "IND-25"),
    "prevention": ("IND-01", "IND-03"),
}
ZONE, COUNTRY = "America/Santo_Domingo", "DO"


def _add_what_rules_had_named_by_code() -> None:
    """Make columns of rules that named the shipped plan's codes. Each plan gets what was valid for it until now."""
    op.add_column("plan", _column("country", sa.String(2), server_default=""))
    op.add_column("plan", _column("currency", sa.String(3), server_default=""))
    op.add_column("plan", _column("min_cell", sa.Integer(), server_default="10"))
    op.add_column("plan", _column("hotlines", sa.String(500), server_default=""))
    op.add_column("indicator", _column("computed", sa.String(32), server_default=""))
    op.add_column("indicator", _column("annual_table", sa.String(32), server_default=""))
    plan = sa.table("plan", *(sa.column(name, sa.String) for name in ("timezone", "country", "currency")))
    indicator = sa.table("indicator", *(sa.column(name, sa.String) for name in ("code", "computed", "annual_table")))
    op.execute(sa.update(plan).where(plan.c.timezone == ZONE).values(country=COUNTRY))
    op.execute(sa.update(plan).values(currency="DOP"))
    for code, what in COMPUTED.items():
        op.execute(sa.update(indicator).where(indicator.c.code == code).values(computed=what))
    for pillar, codes in ANNUAL_TABLE.items():
        op.execute(sa.update(indicator).where(indicator.c.code.in_(codes)).values(annual_table=pillar))


DAYS = ("opening_day", "due_day", "grace_day", "lock_day")
IN_FORCE = (
    ("monthly", "Monthly", (1, 5, 10, 15)),
    ("quarterly", "Quarterly", (1, 10, 15, 20)),
    ("semiannual", "SixMonthly", (1, 15, 20, 25)),
    ("annual", "Yearly", (1, 20, 25, 30)),
)
"""Frequency, type of period, and the days after its end on which it opens, is due, ends its grace, and locks."""


def _add_cadences() -> None:
    """Store the days of reporting, which were written into the code, for every plan and every period."""
    op.create_table(
        "cadence",
        sa.Column("id", ID, primary_key=True),
        _column("plan_id", ID, sa.ForeignKey("plan.id")),
        _column("code", sa.String(16)),
        *(_column(name, sa.Integer()) for name in DAYS),
        sa.Column("retired_on", sa.Date()),
        sa.UniqueConstraint("plan_id", "code", name=op.f("uq_cadence_plan_id_code")),
    )
    for name in DAYS:
        op.add_column("reporting_period", _column(name, sa.Integer(), server_default="0"))
    cadence = sa.table("cadence", *(sa.column(name) for name in ("plan_id", "code", *DAYS)))
    period = sa.table("reporting_period", *(sa.column(name) for name in ("period_type", *DAYS)))
    plan = sa.table("plan", sa.column("id"))
    for code, kind, days in IN_FORCE:
        values = dict(zip(DAYS, days, strict=True))
        literals = (sa.literal(value) for value in (code, *days))
        op.execute(sa.insert(cadence).from_select(["plan_id", "code", *DAYS], sa.select(plan.c.id, *literals)))
        op.execute(sa.update(period).where(period.c.period_type == kind).values(values))


# ------------------------------------------------------------------ restricted messages, events, the data door
CARD = {"sqlite": "json_extract(payload, '$.card')", "postgresql": "CAST(payload ->> 'card' AS bigint)"}


def _add_restricted_messages() -> None:
    """Add a row for each restricted message in a chat. These rows replace the jobs that deleted cards."""
    op.create_table(
        "restricted_message",
        sa.Column("id", ID, primary_key=True),
        _column("chat_id", sa.BigInteger()),
        sa.Column("card_id", ID, unique=True),
        sa.Column("message_id", sa.BigInteger()),
        sa.Column("session_id", ID),
        _column("written_at", INSTANT),
        _column("due_at", INSTANT),
        sa.Column("outbox_id", ID),
        sa.Column("refused_at", INSTANT),
        _column("reason", sa.Text()),
        sa.CheckConstraint(
            "(card_id IS NULL) <> (message_id IS NULL)", name=op.f("ck_restricted_message_ours_or_theirs")
        ),
        sa.UniqueConstraint("chat_id", "message_id", name=op.f("uq_restricted_message_chat_id_message_id")),
        **NEVER_AGAIN,
    )
    op.create_index("ix_restricted_message_due", "restricted_message", ["outbox_id", "due_at"])
    op.create_index("ix_restricted_message_session", "restricted_message", ["session_id"])
    card = CARD[op.get_bind().dialect.name]
    waits = "kind = 'unsay' AND state IN ('queued', 'working')"
    op.execute(
        "INSERT INTO restricted_message (chat_id, card_id, written_at, due_at, reason) "
        f"SELECT chat_id, {card}, MIN(created_at), MIN(not_before), '' FROM job WHERE {waits} GROUP BY chat_id, {card}"
    )
    op.execute(f"DELETE FROM job WHERE {waits}")


def _add_events() -> None:
    """Add receivers outside, events, and the deliveries of events to receivers."""
    op.create_table(
        "endpoint",
        sa.Column("id", ID, primary_key=True),
        _column("plan_id", ID, sa.ForeignKey("plan.id")),
        _column("host", sa.String(255)),
        _column("sealed_target", sa.LargeBinary()),
        _column("audience", sa.String(16)),
        _column("kinds", sa.Text()),
        _column("made_at", INSTANT),
        sa.Column("made_by_id", ID, sa.ForeignKey("person.id")),
        sa.Column("paused_at", INSTANT),
        **NEVER_AGAIN,
    )
    op.create_index("ix_endpoint_plan", "endpoint", ["plan_id"])
    op.create_table(
        "event",
        sa.Column("id", ID, primary_key=True),
        _column("plan_id", ID, sa.ForeignKey("plan.id")),
        _column("uid", sa.String(64), unique=True),
        _column("kind", sa.String(32)),
        _column("data", sa.JSON()),
        _column("at", INSTANT),
        **NEVER_AGAIN,
    )
    op.create_table(
        "event_delivery",
        sa.Column("id", ID, primary_key=True),
        _column("endpoint_id", ID, sa.ForeignKey("endpoint.id")),
        _column("event_id", ID, sa.ForeignKey("event.id")),
        _column("lane", sa.String(80)),
        _column("state", sa.String(16)),
        _column("tries", sa.Integer()),
        _column("next_at", INSTANT),
        sa.Column("lease_until", INSTANT),
        sa.Column("owner", sa.BigInteger()),
        sa.Column("status", sa.Integer()),
        _column("reason", sa.String(16)),
        sa.Column("settled_at", INSTANT),
        **NEVER_AGAIN,
    )
    waiting = _where("state = 'waiting'")
    op.create_index("ix_event_delivery_waiting", "event_delivery", ["endpoint_id", "lane", "id"], **waiting)
    op.create_index("ix_event_delivery_state", "event_delivery", ["endpoint_id", "state", "settled_at"])
    op.create_index("ix_event_delivery_event", "event_delivery", ["event_id"])


def _add_the_data_door() -> None:
    """Add the data door's tokens, how often each is used, and which reports have changed for readers of copies."""
    op.create_table(
        "data_token",
        sa.Column("id", ID, primary_key=True),
        _column("plan_id", ID, sa.ForeignKey("plan.id")),
        _column("prefix", sa.String(16), unique=True),
        _column("token_hash", sa.String(64)),
        _column("audience", sa.String(16)),
        _column("name", sa.Text()),
        _column("created_at", INSTANT),
        sa.Column("created_by_id", ID, sa.ForeignKey("person.id")),
        sa.Column("revoked_at", INSTANT),
        sa.Column("last_used_at", INSTANT),
    )
    op.create_index("ix_data_token_plan", "data_token", ["plan_id"])
    op.create_table(
        "data_read",
        sa.Column("data_token_id", ID, sa.ForeignKey("data_token.id"), primary_key=True),
        sa.Column("on_day", sa.Date(), primary_key=True),
        sa.Column("dataset", sa.String(32), primary_key=True),
        _column("reads", sa.Integer()),
    )
    op.create_table(
        "standing_change",
        sa.Column("id", ID, primary_key=True),
        _column("plan_id", ID, sa.ForeignKey("plan.id")),
        _column("root_id", sa.String(64)),
        _column("transaction_id", sa.BigInteger()),
        **NEVER_AGAIN,
    )
    op.create_index("ix_standing_change_plan", "standing_change", ["plan_id", "transaction_id", "id"])
    op.create_index("ix_standing_change_root", "standing_change", ["root_id"])


# ------------------------------------------------------------------ what is quicker
def _speed_up() -> None:
    """Write fewer pages for each message and update, and read the due list by indexes of its own.

    Telegram numbers a bot's messages across all its chats, so an index of cards that begins with the message grows at
    its end. On PostgreSQL, three tenths of each page of drafts stay free: a draft is saved with each answer, and the
    changed row finds room on the page where it was.
    """
    op.drop_index("ix_card_chat_message", table_name="card")
    op.create_index("ix_card_message", "card", ["message_id", "chat_id"], **_where("message_id IS NOT NULL"))
    op.drop_index("ix_processed_update_processed_at", table_name="processed_update")
    of_period = ["plan_id", "subject", "reporting_period_id"]
    subject = "subject IS NOT NULL"
    ended = "(activity_status = 'completed' OR activity_status = 'cancelled')"
    op.drop_index("ix_submission_subject", table_name="submission")
    for name, condition in (("ix_submission_subject", subject), ("ix_submission_ended", ended)):
        op.create_index(
            name, "submission", of_period, **_where(f"is_current AND {condition}", f"is_current = 1 AND {condition}")
        )
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER TABLE session SET (fillfactor = 70)")


STEADY = (
    "activity", "activity_support", "agency", "cadence", "closing", "code", "form", "form_version", "indicator",
    "objective", "plan", "reopening", "reporting_period", "strategic_area", "target",
)  # fmt: skip


def _tell_changes() -> None:
    """Let PostgreSQL tell which transaction was the last to change the plan or its forms. SQLite says it by itself."""
    if op.get_bind().dialect.name != "postgresql":
        return
    op.execute(
        "CREATE FUNCTION plan_has_changed() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "INSERT INTO fact (name, value, learnt_at) VALUES ('plan-changed', txid_current()::text, now()) "
        "ON CONFLICT (name) DO UPDATE SET value = excluded.value, learnt_at = excluded.learnt_at "
        "WHERE fact.value <> excluded.value; RETURN NULL; END $$"
    )
    for name in STEADY:
        op.execute(
            f"CREATE CONSTRAINT TRIGGER {name}_has_changed AFTER INSERT OR UPDATE OR DELETE ON {name} "
            "DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION plan_has_changed()"
        )
