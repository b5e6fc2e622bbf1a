"""`enlace plan succeed`: a plan follows another one; what its workbook does not say is asked row by row."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bot.cli.at_server import change, in_unit, server, settings
from bot.cli.authoring import authored, print_problems
from bot.cli.console import fail, read_file, talk
from bot.cli.options import FEW
from bot.errors import Complaint

if TYPE_CHECKING:
    from bot.acts.people.going_on import Asked
    from bot.acts.plan.succeeding import Item
    from storage.imports.reading import PlanDraft
    from storage.unit_of_work import UnitOfWork


def succeed(
    old: Annotated[str, typer.Argument(metavar="OLD", help="The code of the plan that ends.")],
    file: Annotated[Path, typer.Argument(metavar="NEW.xlsx", help="The workbook of the plan that follows.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print what would be, ask and change nothing.")] = False,
) -> None:
    """Begin the plan that follows: what became of each open row, on the sheet `succession` or asked row by row.

    The people of the earlier plan are asked whether they go on. Nobody has a role in the new plan before they say so.
    """
    from bot.acts.people import going_on
    from bot.acts.plan import succeeding as acts
    from bot.acts.reports.coverage import NotCovered
    from bot.chat.form_cache import FormCache
    from bot.open_storage import plan_named
    from conversations.wording import wording
    from storage.imports.applying import differences
    from storage.imports.reading import read_plan
    from storage.reports.confinement import Confinement

    chosen = settings()
    say = wording(chosen.language)
    draft = authored(lambda: read_plan(read_file(file), Confinement().book), chosen.language)
    print_problems(draft.problems, chosen.language)
    if not draft.code or draft.code == old:
        fail("The new workbook needs a code of its own, on its sheet settings.", 2)

    def ahead(unit: "UnitOfWork") -> tuple[Any, ...]:
        actor = server(unit, plan_named(unit, old))
        whole = acts.with_dropped(actor, draft)
        return whole, acts.unsaid(actor, whole, chosen.language), acts.unknown(actor, whole)

    whole, left, strangers = in_unit(ahead, at=chosen)
    if strangers:
        fail(f"The plan {old} never had: {', '.join(strangers)}. Correct the sheet succession.")
    for number, item in enumerate(left, 1):
        told = f"{say(f'plan.table.{item.table}')} {item.code} · {item.title}"
        if dry_run:
            print(f"? {told}")
        else:
            whole = _ask(whole, item, f"{number}/{len(left)} {told}", chosen.language)

    def proposed(unit: "UnitOfWork") -> Any:
        return acts.baselines(server(unit, plan_named(unit, old)), whole)

    found = in_unit(proposed, at=chosen)
    for each in found:
        print(f"= {each.code}: baseline {each.value} ({each.year}, {old} · {each.earlier})")
    if (
        found
        and not dry_run
        and _answered("Take these baselines? [y/n]").strip().casefold()[:1] in ("y", "s", "o", "w")
    ):
        whole = acts.with_baselines(whole, found, old)

    def work(unit: "UnitOfWork") -> "tuple[Any, Asked, bool]":
        actor = server(unit, plan_named(unit, old))
        if dry_run:
            there = next((plan.id for plan in unit.plans.all() if plan.code == draft.code), None)
            asked = going_on.whom(actor, acts.agencies_on(whole, actor.today), there)
            return differences(unit, whole, draft.code), asked, True
        zone = unit.plans.by_id(actor.plan_id).timezone
        try:
            found = acts.succeed(actor, FormCache(zone), whole, draft.code, actor.now, timezone=zone).found
        except NotCovered as refused:
            lines = "\n".join(gap.sentence(say) for gap in refused.gaps)
            raise Complaint(f"{say('coverage.refused')}\n{lines}") from None
        new = unit.plans.by_code(draft.code)
        asked, news = going_on.ask_people(actor, new)
        actor.tell(news)
        return found, asked, unit.people.has_admin(new.id)

    done, asked, has_admin = change(work, at=chosen)
    for sentence in done.sentences(chosen.language, FEW):
        print(sentence)
    talk(done.summary(chosen.language))
    talk(f"Asked whether they go on: {len(asked.people)}. Cannot be reached: {asked.unreached}.")
    if asked.left_out:
        talk(f"Not asked are the people of {', '.join(asked.left_out)}: no agency of the new plan today.")
    if not has_admin:
        talk(f"Until an admin says yes, nobody administers it, or: enlace invite --role admin --plan {draft.code}")
    if dry_run:
        talk(f"{len(left)} rows are still to be told. Nothing was changed.")
    else:
        talk(f"{draft.code} follows {old}. To take it back: enlace plan undo --plan {draft.code}")


def _ask(draft: "PlanDraft", item: "Item", told: str, language: str) -> "PlanDraft":
    """Ask what became of a row until an answer can be read. The same code in the new plan is what Enter says."""
    from bot.acts.plan.succeeding import with_word
    from conversations.session.safeguards.characters import clean
    from conversations.session.safeguards.guard import personal_data

    new = draft.rows["activity" if item.table == "activity" else "indicator"]
    usual = f"continued {item.code}" if item.code in new else ""
    talk(f"{told}\n  continued CODE | merged CODE | split CODE CODE | dropped REASON" + f"  [{usual}]" * bool(usual))
    while True:
        relation, _, rest = (clean(_answered("  ")) or usual).partition(" ")
        is_dropped = relation == "dropped"
        try:
            if is_dropped and personal_data(rest, strict=True) is not None:
                raise ValueError("it seems to hold personal data or the place of a shelter: say it without")
            return with_word(draft, item.code, relation, () if is_dropped else rest.split(), rest if is_dropped else "")
        except ValueError as error:
            talk(f"  Not understood: {error}.")


def _answered(question: str) -> str:
    """Return a typed line. At the end of the input nothing is changed."""
    try:
        return input(f"{question} ")
    except EOFError:
        fail("Nothing was changed: not every row was answered. Answer them, or fill the sheet succession.")
