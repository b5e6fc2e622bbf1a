"""The tests: one package, whose folders are those of the house."""

from pathlib import Path

ROOT = Path(__file__).parents[1]
"""The project's folder."""
