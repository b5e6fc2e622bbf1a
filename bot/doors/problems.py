"""Error answers of the doors: RFC 9457 problems that name the remedy.

Their reader is a program's author who cannot see our log. So a problem says what was wrong, in which part of the
request, and what would be right. It never repeats what was sent, which may be a token.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

TITLES: Final[Mapping[int, str]] = {
    400: "The request cannot be read",
    401: "A token is needed",
    403: "Not for this token",
    404: "There is no such page",
    405: "Only GET and HEAD",
    406: "Not in this format",
    410: "Begin again",
    429: "Too many requests",
    500: "It failed here",
    501: "Not offered",
    503: "Not now",
}


class ProblemDetails(BaseModel):
    """An error answer as RFC 9457 has it. `there_is` lists what could have been asked for."""

    model_config = ConfigDict(extra="forbid")

    type: Annotated[str, Field(pattern="^urn:enlace:problem:[a-z-]+$")]
    title: str
    status: int
    detail: str
    there_is: tuple[str, ...] = ()


class ODataError(BaseModel):
    """An error answer as OData has it (OData JSON 4.01, §21)."""

    error: dict[Literal["code", "message"], str]


class Problem(Exception):
    """An error answer: a status, a code for programs, and a sentence with the remedy."""

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        *,
        headers: Sequence[tuple[str, str]] = (),
        there_is: Sequence[str] = (),
    ) -> None:
        super().__init__(detail)
        self.status, self.code, self.detail, self.headers, self.there_is = status, code, detail, headers, there_is

    def response(self, *, is_odata: bool = False) -> Response:
        """The answer as JSON: a problem, or an error of OData."""
        said: BaseModel
        if is_odata:
            said = ODataError(error={"code": self.code, "message": self.detail})
        else:
            said = ProblemDetails(
                type=f"urn:enlace:problem:{self.code}",
                title=TITLES[self.status],
                status=self.status,
                detail=self.detail,
                there_is=tuple(self.there_is),
            )
        media_type = "application/json" if is_odata else "application/problem+json"
        answer = Response(said.model_dump_json(exclude_defaults=True), self.status, media_type=media_type)
        for name, value in self.headers:
            answer.headers.append(name, value)
        return answer


NOT_FOUND: Final = Problem(404, "not-found", "There is nothing here; what there is: /data/v1/, /data/v1/openapi.json")


def unknown(what: str, there_is: Sequence[str], status: int = 400) -> Problem:
    """The request named something that does not exist. `there_is` is what exists."""
    code = f"unknown-{what.replace(' ', '-')}"
    return Problem(status, code, f"There is no such {what}. There is: {', '.join(there_is)}", there_is=there_is)
