"""Make storage/imports/countries.csv from the Unicode CLDR: countries, currencies and subdivisions (ISO 3166-2).

    npm pack cldr-core@48.2.0 cldr-subdivisions-full@48.2.0 cldr-localenames-full@48.2.0
    (unpack each into FOLDER/<name of the package>)
    python docs/countries.py FOLDER

The table goes out with the package, so that nothing is asked of the network when somebody begins a plan.
"""

import csv
import io
import json
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

LANGUAGES: Final = ("es", "en", "fr")
"""Those of ours that CLDR has names of subdivisions in; a language without a column shows the Spanish one."""
OUT: Final = Path(__file__).parents[1] / "storage" / "imports" / "countries.csv"
HEAD: Final = """\
Countries (ISO 3166-1), their currency (ISO 4217) and their subdivisions (ISO 3166-2), with their names.
Made by docs/countries.py from the Unicode CLDR {version}; do not edit. Columns: code, the code it is part of, currency,
names. License of the data, SPDX Unicode-3.0:
"""


def rows(folder: Path) -> Iterator[tuple[str, str, str, Mapping[str, str]]]:
    """Code, what it is part of, currency, and names by language; a country before its parts."""
    core, names = folder / "cldr-core" / "supplemental", {}
    contains = read(core / "subdivisionContainment.json")["supplemental"]["subdivisionContainment"]
    currencies = read(core / "currencyData.json")["supplemental"]["currencyData"]["region"]
    for language in LANGUAGES:
        parts = read(folder / "cldr-subdivisions-full" / "subdivisions" / language / f"{language}.json")
        places = read(folder / "cldr-localenames-full" / "main" / language / "territories.json")
        names[language] = found(parts, "subdivisions") | places["main"][language]["localeDisplayNames"]["territories"]
    for country in sorted(code for code in currencies if len(code) == 2 and code in names["en"] and code != "ZZ"):
        currency = currency_of(currencies[country])
        if not currency:
            continue  # a continent, or a code for what has no other
        yield country, "", currency, labels(names, country)
        for code, parent in below(contains, country):
            if words := labels(names, code):
                yield shown(code, country), shown(parent, country), "", words


def below(contains: Mapping[str, Any], code: str) -> Iterator[tuple[str, str]]:
    """Each part with what it is part of, level by level."""
    level = [(part, code) for part in contains.get(code, {}).get("_contains", ())]
    while level:
        yield from sorted(level)
        level = [(part, each) for each, _ in level for part in contains.get(each, {}).get("_contains", ())]


def shown(code: str, country: str) -> str:
    """`hnat` as ISO writes it: HN-AT."""
    return code if code == country else f"{country}-{code[2:].upper()}"


def currency_of(history: list[Mapping[str, Mapping[str, str]]]) -> str:
    """The first one that is still legal tender."""
    today = datetime.now(UTC).date().isoformat()
    for each in history:
        for code, use in each.items():
            if use.get("_to", "9999") > today and use.get("_tender") != "false":
                return code
    return ""


def labels(names: Mapping[str, Mapping[str, str]], code: str) -> dict[str, str]:
    return {language: known[code] for language, known in names.items() if known.get(code)}


def found(tree: Any, key: str) -> dict[str, str]:
    """What stands under this key, however deep."""
    if isinstance(tree, dict):
        if key in tree and all(isinstance(value, str) for value in tree[key].values()):
            return dict(tree[key])
        for value in tree.values():
            if deeper := found(value, key):
                return deeper
    return {}


def read(path: Path) -> Any:
    return json.loads(path.read_text("utf-8"))


def main(folder: Path) -> None:
    version = read(folder / "cldr-core" / "package.json")["version"]
    license = (folder / "cldr-subdivisions-full" / "LICENSE").read_text("utf-8")
    text = io.StringIO()
    for line in (HEAD.format(version=version) + "\n" + license).splitlines():
        text.write(f"# {line}".rstrip() + "\n")
    writer = csv.writer(text, lineterminator="\n")
    for code, parent, currency, names in rows(folder):
        writer.writerow([code, parent, currency, *(names.get(language, "") for language in LANGUAGES)])
    OUT.write_text(text.getvalue(), "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
