"""What a form costs by its size: converting, compiling, restoring and one answer, for 10 to 2 000 questions.

    python tests/benchmarks/forms.py [--sizes 10,100,500,2000] [--rounds 5] [--peers FOLDER]

The form has what real ones have: numbers with constraints, choices, relevance that looks back, a running sum in a
calculation, a group every ten questions. A step is one answer, with the session restored before it and dumped after
it, as the bot does. `--peers` names a folder with ODK's engines (`oracle.mjs` after `npm ci`, or `javarosa/run.sh`):
the same XForm and answers are played through them in the same run, the process's start taken off by a script of no
steps. Medians, in milliseconds; the last column is how a step grows with the form (1 would be linear).
"""

import argparse
import gc
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from conversations.authoring.xlsform import read_xlsform
from conversations.xforms.document.read import read_xform
from conversations.xforms.form import Form
from conversations.xforms.instance import Filling, Instance
from conversations.xforms.transcript import replay

NOW = datetime(2026, 1, 1, tzinfo=UTC)
STEPS = 40


def markdown(size: int) -> str:
    rows = ["| survey |", "| | type | name | label | relevant | constraint | calculation |"]
    for number in range(size):
        if number % 10 == 0:
            rows.append(f"| | begin group | g{number} | Group {number} | | | |")
        before = f"${{q{number - 1}}} != ''" if number % 5 == 4 else ""
        match number % 4:
            case 0 | 1:
                rows.append(f"| | integer | q{number} | Question {number} | {before} | . >= 0 | |")
            case 2:
                rows.append(f"| | select_one yn | q{number} | Question {number} | {before} | | |")
            case _:
                rows.append(f"| | text | q{number} | Question {number}, after ${{q{number - 1}}} | {before} | | |")
        if number % 10 == 9:
            first = number - 9
            rows.append(
                f"| | calculate | c{number} | | | | coalesce(${{q{first}}}, 0) + coalesce(${{q{first + 1}}}, 0) |"
            )
            rows.append("| | end group | | | | | |")
    if size % 10:
        rows.append("| | end group | | | | | |")
    return "\n".join(
        [*rows, "| choices |", "| | list_name | name | label |", "| | yn | y | Yes |", "| | yn | n | No |"]
    )


def answers(size: int) -> list[tuple[str, str]]:
    """Spread over the whole form, so that no engine is measured on its first group alone."""
    chosen = range(0, size, max(1, size // STEPS))
    return [(f"q{n}", {0: "7", 1: "8", 2: "y", 3: "some words"}[n % 4]) for n in chosen][:STEPS]


def other(chosen: list[tuple[str, str]], turn: int) -> list[tuple[str, str]]:
    """The same questions answered otherwise each time: an answer that changes nothing costs nothing."""
    values = {"7": str(turn % 90 + 10), "8": str(turn % 80 + 11), "y": "ny"[turn % 2], "some words": f"words {turn}"}
    return [(name, values[value]) for name, value in chosen]


def restored(form: Form, state: str) -> Instance:
    return Instance.restore(form, json.loads(state), now=NOW, timezone="UTC", language="")


def median_ms(work: Callable[[], object], rounds: int) -> float:
    taken = []
    for _ in range(rounds):
        gc.collect()
        began = time.perf_counter()
        work()
        taken.append((time.perf_counter() - began) * 1000)
    return statistics.median(taken)


def ours(size: int, rounds: int) -> tuple[dict[str, float], str]:
    data = markdown(size).encode()
    found = {"convert": median_ms(lambda: read_xlsform(data, "f.md"), 1 if size > 500 else min(rounds, 3))}
    xform = read_xlsform(data, "f.md").xform
    found["compile"] = median_ms(lambda: read_xform(xform), rounds)
    form = read_xform(xform)
    begun = Instance.start(form, Filling("uuid:b", NOW, "UTC", ""))
    found["begin"] = median_ms(lambda: Instance.start(form, Filling("uuid:b", NOW, "UTC", "")), rounds)
    for name, value in answers(size):
        begun.answer(begun.node(name).ref, value)
    state = json.dumps(begun.dump())
    found["restore"] = median_ms(lambda: restored(form, state), rounds)
    chosen = answers(size)

    rounds_played = iter(range(10**6))

    def steps() -> None:
        kept = state
        for name, value in other(chosen, next(rounds_played)):
            instance = restored(form, kept)
            instance.answer(instance.node(name).ref, value)
            kept = json.dumps(instance.dump())

    found["step"] = median_ms(steps, rounds) / len(chosen)
    warm = restored(form, state)

    def only_answers() -> None:
        for name, value in other(chosen, next(rounds_played)):
            warm.answer(warm.node(name).ref, value)

    found["answer"] = median_ms(only_answers, rounds) / len(chosen)
    script = {"steps": [{"ref": name, "value": value} for name, value in chosen]}
    found["replay"] = median_ms(lambda: list(replay(form, script)), 1) / len(chosen)
    return found, xform


def peer(command: list[str], xform: str, size: int, folder: Path) -> dict[str, float]:
    """Load and step of a reference engine, from the outside: whole runs, the start of its process taken off."""
    with tempfile.TemporaryDirectory() as made:
        file = Path(made) / "f.xml"

        def run(xml: str, steps: list[dict[str, str]]) -> float:
            file.write_text(xml, "utf-8")
            script = Path(made) / "s.json"
            script.write_text(json.dumps({"now": NOW.isoformat(), "tz": "UTC", "steps": steps}))
            began = time.perf_counter()
            subprocess.run(
                [*command, str(file), str(script), "--mode", "diff"], cwd=folder, check=True, capture_output=True,
                timeout=600,
            )  # fmt: skip
            return (time.perf_counter() - began) * 1000

        steps = [{"ref": name, "value": value} for name, value in answers(size)]
        tiny = read_xlsform(markdown(1).encode(), "f.md").xform
        start, load = (statistics.median(run(xml, []) for _ in range(3)) for xml in (tiny, xform))
        played = statistics.median(run(xform, steps) for _ in range(3))
    return {"compile": load - start, "replay": (played - load) / len(steps)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", default="10,100,500,2000")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--peers", type=Path)
    arguments = parser.parse_args()
    sizes = [int(size) for size in arguments.sizes.split(",")]
    columns = ("convert", "compile", "begin", "restore", "answer", "step", "replay")
    print(f"{'questions':>12} " + " ".join(f"{name:>9}" for name in columns))
    before: tuple[int, float] | None = None
    for size in sizes:
        found, xform = ours(size, arguments.rounds)
        growth = f"  n^{math.log(found['step'] / before[1]) / math.log(size / before[0]):.2f}" if before else ""
        print(f"{size:>12} " + " ".join(f"{found[name]:9.3f}" for name in columns) + growth, flush=True)
        before = (size, found["step"])
        for name, command in peers(arguments.peers):
            try:
                engine = peer(command, xform, size, arguments.peers)
            except (OSError, subprocess.SubprocessError) as error:
                print(f"{name:>12} did not run: {type(error).__name__}")
                continue
            shown = {
                **dict.fromkeys(columns, ""),
                **{key: f"{value:.1f}" if value > 0 else "~0" for key, value in engine.items()},
            }
            print(f"{name:>12} " + " ".join(f"{shown[each]:>9}" for each in columns), flush=True)


def peers(folder: Path | None) -> list[tuple[str, list[str]]]:
    if folder is None:
        return []
    found = []
    if (folder / "node_modules").is_dir():
        found.append(("web engine", ["node", "oracle.mjs"]))
    if (folder / "javarosa/run.sh").is_file() and os.environ.get("ODK_VALIDATE_JAR"):
        found.append(("JavaRosa", ["sh", "javarosa/run.sh"]))
    return found


if __name__ == "__main__":
    main()
