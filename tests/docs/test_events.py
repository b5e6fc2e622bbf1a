"""The receiver of the guide, run as it stands on the page: it hears, once, and refuses what is not ours."""

import json
import re
import runpy
import subprocess
import sys
from datetime import UTC, datetime
from ipaddress import ip_network
from pathlib import Path

import jsonschema
import pytest

from bot.acts.sharing.receivers import new_secret
from bot.settings import Reach
from bot.workers.webhooks import call, calling
from conversations.plan.sharing.events import EVENTS
from storage.messages.endpoints import Target
from tests.deadlines import until
from tests.ports import free_port

GUIDE = Path(__file__).parents[2] / "docs" / "guide"
PAGES = ("events.md", "eventos.md")
SHOWN = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES)
async def test_the_receiver_of_the_page_hears_once(page: str, tmp_path: Path) -> None:
    """What is repeated is told once; what somebody else signed is refused; it is no longer than a screen."""
    [code] = SHOWN.findall((GUIDE / page).read_text("utf-8"))
    port = free_port()
    secret = re.search(r'"(whsec_[^"]+)"', code)
    assert secret is not None
    file = tmp_path / "receiver.py"
    file.write_text(code.replace("8000", str(port)), "utf-8")
    said = tmp_path / "said"
    with said.open("wb") as out, subprocess.Popen([sys.executable, str(file)], stdout=out, stderr=out) as process:
        try:
            url, body = f"http://127.0.0.1:{port}/", b'{"type":"ping","data":{"plan":"RD"}}'

            async def answered(signed_with: str) -> str:
                async with calling(Reach((ip_network("127.0.0.1/32"),), [port])) as session:
                    found = await call(session, Target(url, signed_with), "evt_1", body, lambda: datetime.now(UTC))
                return found.reason or "taken"

            async def is_up() -> bool:
                return await answered(secret[1]) == "taken"

            await until(is_up, "the receiver hears")
            assert await answered(secret[1]) == "taken"
            assert await answered(new_secret()) == "reset"
        finally:
            process.kill()
    assert said.read_text("utf-8").count("ping {'plan': 'RD'}") == 1
    assert len(code.splitlines()) < 25


def test_the_schema_is_of_what_is_sent() -> None:
    """It is made from the table of events, and the page's own example is one."""
    made = runpy.run_path(str(GUIDE.parent / "events.py"))
    assert made["OUT"].read_text("utf-8") == made["text"](), "run: python docs/events.py"

    schema = json.loads(made["text"]())
    (shown,) = re.findall(r"```json\n(.*?)```", (GUIDE / "events.md").read_text("utf-8"), re.DOTALL)
    example = json.loads(shown)
    jsonschema.validate(example, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(example | {"type": "report.lost"}, schema)


@pytest.mark.parametrize("page", PAGES)
def test_the_page_names_every_kind_of_event(page: str) -> None:
    """And no other: a ping is explained as the button."""
    text = (GUIDE / page).read_text("utf-8")
    named = set(re.findall(r"`((?:report|period|plan)\.[a-z_]+)`", text))
    assert named == {event.kind for event in EVENTS} - {"ping"}
