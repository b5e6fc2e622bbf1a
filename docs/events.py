"""Make docs/guide/events.schema.json, the JSON Schema of what a receiver gets, from the table of events.

python docs/events.py
"""

import json
from pathlib import Path

from conversations.plan.sharing.events import json_schema

OUT = Path(__file__).parent / "guide" / "events.schema.json"


def text() -> str:
    return json.dumps(json_schema(), indent=1) + "\n"


if __name__ == "__main__":
    OUT.write_text(text(), "utf-8")
