"""The lists of the shipped plan, as `enlace plan lists` writes them: what its forms take their choices from."""

from tests import ROOT

LISTS = {path.name: path.read_bytes() for path in (ROOT / "tests" / "conversations" / "data" / "lists").glob("*.csv")}
