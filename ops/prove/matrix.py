"""The cells of a matrix as rows of faults and columns of seeds."""

from collections.abc import Iterator, Sequence

from ops.prove.findings import Cell
from ops.prove.history import SENDER_LIMIT_SECONDS


def seeds(cells: Sequence[Cell]) -> list[int]:
    """Return the columns: every seed there is."""
    return sorted({cell.seed for cell in cells})


def rows(cells: Sequence[Cell]) -> Iterator[tuple[str, list[Cell | None]]]:
    """Yield each fault, in the order they were run, and its cell per seed; None if not run."""
    found = {(cell.fault, cell.seed): cell for cell in cells}
    columns = seeds(cells)
    for fault in dict.fromkeys(cell.fault for cell in cells):
        yield fault, [found.get((fault, seed)) for seed in columns]


def worst_answer(cell: Cell) -> float | None:
    """Return the slowest answer in seconds: of the goal that the sender's own limit bounds."""
    times = [
        goal.worst_seconds
        for goal in cell.goals
        if goal.limit_seconds == SENDER_LIMIT_SECONDS and goal.worst_seconds is not None
    ]
    return max(times, default=None)
