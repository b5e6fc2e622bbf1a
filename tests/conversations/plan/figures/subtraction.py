"""Whether a figure that is not told follows from those that are, for whoever keeps every file and solves for it."""

from fractions import Fraction


def reduced(rows: list[list[Fraction]]) -> list[list[Fraction]]:
    """A basis in echelon form."""
    basis: list[list[Fraction]] = []
    for row in rows:
        rest = without(row, basis)
        if any(rest):
            pivot = next(value for value in rest if value)
            basis.append([value / pivot for value in rest])
    return basis


def without(row: list[Fraction], basis: list[list[Fraction]]) -> list[Fraction]:
    for each in basis:
        pivot = next(at for at, value in enumerate(each) if value)
        if row[pivot]:
            row = [a - row[pivot] * b for a, b in zip(row, each, strict=True)]
    return row


def follows(row: list[Fraction], basis: list[list[Fraction]]) -> bool:
    rest = row
    for _ in basis:
        rest = without(rest, basis)
    return not any(rest)
