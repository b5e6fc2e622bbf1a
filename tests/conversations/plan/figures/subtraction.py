"""Whether a figure that is not told follows from those that are, for whoever keeps every file and solves for it."""

from fractions import Fraction


def reduced(rows: list[list[Fraction]]) -> list[list[Fraction]]:
    """A basis in echelon form: each row is nothing where a row before it begins."""
    basis: list[list[Fraction]] = []
    for row in rows:
        rest = without(row, basis)
        if any(rest):
            pivot = next(value for value in rest if value)
            basis.append([value / pivot for value in rest])
    return basis


def without(row: list[Fraction], basis: list[list[Fraction]]) -> list[Fraction]:
    """What is left of the row once each row of the basis is taken out: nothing where one of them begins."""
    for each in basis:
        pivot = next(at for at, value in enumerate(each) if value)
        if taken := row[pivot]:
            row = [a - taken * b if b else a for a, b in zip(row, each, strict=True)]
    return row


def follows(row: list[Fraction], basis: list[list[Fraction]]) -> bool:
    return not any(without(row, basis))
