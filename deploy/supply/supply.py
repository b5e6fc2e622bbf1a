"""What the bot is built of: its bill of materials, its licences, and whether anything in it is known to be vulnerable.

    make sbom        dist/enlace-plan.cdx.json, CycloneDX 1.6, made from deploy/requirements.lock; no network
    make audit       the same lock against the Python Packaging Advisory Database, over the network
    make licences    docs/licences.md, made anew

The lock says which packages and which hashes; the licence is what each package says of itself when it is installed.
"""

import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parents[2]
LOCK: Final = ROOT / "deploy" / "requirements.lock"
PAGE: Final = ROOT / "docs" / "licences.md"
BILL: Final = ROOT / "dist" / "enlace-plan.cdx.json"

SPDX: Final[Mapping[str, str]] = {
    "apache 2.0": "Apache-2.0",
    "apache license 2.0": "Apache-2.0",
    "apache software license": "Apache-2.0",
    "bsd": "BSD-3-Clause",
    "bsd license": "BSD-3-Clause",
    "gnu lesser general public license v2 or later (lgplv2+)": "LGPL-2.1-or-later",
    "isc license (iscl)": "ISC",
    "mit license": "MIT",
    "mozilla public license 2.0 (mpl 2.0)": "MPL-2.0",
    "python software foundation license": "PSF-2.0",
}
"""What packages wrote before there was `License-Expression`, as SPDX writes it."""

UNSAID: Final[Mapping[str, str]] = {
    "pysqlite3": "Zlib",
    "pyxform": "BSD-2-Clause",
    "python-dateutil": "Apache-2.0 OR BSD-3-Clause",
}
"""Those that name no licence in their metadata, or two at once: read in the licence file that they bring."""

HEAD: Final = """\
# Licences of what it is built of

Made by `make licences` from `deploy/requirements.lock`; do not edit. Enlace itself is under the Apache License 2.0.
None of these asks that what uses it unchanged be published; LGPL and MPL ask it of changes to the package itself.
`make sbom` writes the same, with hashes, as a bill of materials (CycloneDX).

| package | licence (SPDX) |
|---|---|
"""


def locked(lock: Path = LOCK) -> dict[str, str]:
    """Package and version, as the lock has them: what is installed on any system, Linux or not."""
    return dict(re.findall(r"^([\w.-]+)==([^\s;]+)", lock.read_text("utf-8"), re.MULTILINE))


def licences(folder: str) -> Iterator[tuple[str, str]]:
    """Package and licence (SPDX) of what is locked and installed in `folder`; "" where nobody knows it."""
    installed = {normal(found.metadata["Name"]): found for found in distributions(path=[folder])}
    for name in sorted(locked()):
        if name in installed:
            yield name, licence_of(name, installed[name])


def licence_of(name: str, found: Distribution) -> str:
    """What the package says of itself: an expression, a classifier, a word; "" if none is known."""
    said = found.metadata
    if name in UNSAID:
        return UNSAID[name]
    if "License-Expression" in said:
        return str(said["License-Expression"])
    classes = [line.rpartition("::")[2].strip() for line in said.get_all("Classifier") or () if line[:7] == "License"]
    words = classes or [said["License"] or ""]
    ours = [SPDX.get(word.lower(), word if re.fullmatch(r"[\w.+-]+", word) else "") for word in words]
    return " OR ".join(sorted(ours)) if all(ours) else ""


def normal(name: str) -> str:
    """A package's name as a lock writes it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def page(folder: str) -> str:
    """docs/licences.md, whole."""
    return HEAD + "".join(f"| {name} | {licence} |\n" for name, licence in licences(folder))


def bill(folder: str) -> dict[str, Any]:
    """The bill of materials as CycloneDX 1.6, with the lock's hashes; the same bytes from the same lock."""
    command = [str(Path(sys.executable).parent / "cyclonedx-py"), "requirements", str(LOCK)]
    command += ["--output-reproducible", "--spec-version", "1.6"]
    made: dict[str, Any] = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    known = dict(licences(folder))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    own = {"type": "application", "bom-ref": "enlace-plan", "name": project["name"], "version": project["version"]}
    made["metadata"]["component"] = own | {"licenses": [{"expression": project["license"]}]}
    for component in made["components"]:
        component.pop("description", None)  # the line of the lock, once more
        if known.get(component["name"]):
            component["licenses"] = [{"expression": known[component["name"]]}]
    made["dependencies"] = [{"ref": "enlace-plan", "dependsOn": [each["bom-ref"] for each in made["components"]]}]
    return made


def write_bill(folder: str) -> str:
    """Write the bill if CycloneDX' own validator takes it; a line that says what is in it."""
    from cyclonedx.schema import SchemaVersion  # installed where `make sbom` runs, and with nothing else
    from cyclonedx.validation.json import JsonStrictValidator

    made = bill(folder)
    text = json.dumps(made, indent=1, sort_keys=True) + "\n"
    if wrong := JsonStrictValidator(SchemaVersion.V1_6).validate_str(text):
        raise SystemExit(f"The bill of materials is not valid: {wrong}")
    BILL.parent.mkdir(exist_ok=True)
    BILL.write_text(text, "utf-8")
    return f"{BILL.relative_to(ROOT)}: {len(made['components'])} packages"


def audit() -> tuple[str, int]:
    """What is known of the locked packages, and the exit code: 1 for vulnerable ones, 2 if there is no data."""
    command = [sys.executable, "-m", "pip_audit", "-r", str(LOCK), "--disable-pip", "--no-deps", "-f", "json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        answers = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError):
        reason = (done.stderr.strip().splitlines() or ["no answer"])[-1]
        return f"No data: the advisory database could not be asked ({reason[:200]}). Nothing was checked.", 2
    return verdict(answers)


def verdict(answers: list[dict[str, Any]]) -> tuple[str, int]:
    """`audit`, of the rows that pip-audit answered: one a package, with `vulns`, or with `skip_reason`."""
    unknown = [each["name"] for each in answers if "skip_reason" in each]
    lines = [
        f"{each['name']} {each['version']}: {found['id']}, mended in {', '.join(found['fix_versions']) or 'no version'}"
        for each in answers
        for found in each.get("vulns", ())
    ]
    if len(unknown) == len(answers):
        return "No data: the index that is used here has no advisories. Nothing was checked.", 2
    if unknown:
        lines.append(f"No data on {len(unknown)} of {len(answers)}, which were not checked: {', '.join(unknown)}")
    if len(lines) > bool(unknown):
        return "\n".join([*lines, "Raise the version in pyproject.toml, then: make lock"]), 1
    return "\n".join([*lines, f"{len(answers) - len(unknown)} packages, no known vulnerability"]), 2 if unknown else 0


def main(what: str, folder: str = "") -> int:
    """`sbom`, `audit` or `licences`; `folder` holds the packages that the bot runs on (not asked for by `audit`)."""
    if what == "audit":
        text, code = audit()
    elif what == "licences":
        PAGE.write_text(page(folder), "utf-8")
        text, code = f"{PAGE.relative_to(ROOT)}: made anew", 0
    else:
        text, code = write_bill(folder), 0
    print(text)
    return code


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
