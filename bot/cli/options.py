"""Options that many commands share."""

from typing import Annotated, Final

import typer

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]
PlanOption = Annotated[
    str, typer.Option("--plan", metavar="CODE", help="Code of the plan, where the database holds several.")
]
LanguageOption = Annotated[str, typer.Option("--language", help="es, en, ht or fr.")]
RoleOption = Annotated[
    str, typer.Option("--role", help="admin, coordinator, focal_point, alternate, observer or reader.")
]
PersonOption = Annotated[int, typer.Option("--telegram-id", help="Telegram's number of the person.")]
ContributorOption = Annotated[
    bool, typer.Option("--contributor", help="Of an observer: they also report the indicators their agency leads.")
]
FEW: Final = 5
"""Rows of a sheet that an import names when it adds more of them."""
