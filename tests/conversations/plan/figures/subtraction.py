"""Whether a figure that is not told follows from those that are, for whoever keeps every file and solves for it.

A row says of each figure whether it is in a sum. Solving with fractions takes many times as long, so it is done with
the remainders of a prime: it finds the same, unless a determinant of ones and noughts can be divided by it.
"""

from collections.abc import Iterable, Sequence

PRIME = 2**127 - 1

Basis = list[tuple[int, list[int]]]
"""Rows in echelon form: where each begins, with a one, and the row; the rows behind it are nothing there."""


def reduced(rows: Iterable[Sequence[int]]) -> Basis:
    basis: Basis = []
    for row in rows:
        rest = without(row, basis)
        pivot = next((at for at, value in enumerate(rest) if value), None)
        if pivot is not None:
            inverse = pow(rest[pivot], -1, PRIME)
            basis.append((pivot, [value * inverse % PRIME for value in rest]))
    return basis


def without(row: Sequence[int], basis: Basis) -> list[int]:
    """What is left of the row once each row of the basis is taken out: nothing where one of them begins."""
    rest = list(row)
    for pivot, each in basis:
        if taken := rest[pivot]:
            rest = [(a - taken * b) % PRIME if b else a for a, b in zip(rest, each, strict=True)]
    return rest


def follows(row: Sequence[int], basis: Basis) -> bool:
    return not any(without(row, basis))
