"""Tables as HTML: what is not marked as markup is escaped."""

from collections.abc import Iterable, Sequence
from html import escape

from ops.prove.words import printable


class Markup(str):
    """HTML that was made here, of escaped parts."""

    __slots__ = ()


def text(value: object) -> Markup:
    """Return any value as HTML that shows it and does nothing else."""
    return value if isinstance(value, Markup) else Markup(escape(printable(value)))


def badge(word: str, tone: str) -> Markup:
    """Return a word on a coloured ground; `tone` is passed, failed or void."""
    return Markup(f'<span class="mark {tone}">{text(word)}</span>')


def table(heads: Sequence[str], rows: Iterable[Sequence[object]], label: str) -> Markup:
    """Return a table; a head that starts with `>` is that of a column of numbers.

    Each row's first cell is its header. `label` names the table to who cannot see the page.
    """
    classes = [' class="number"' if head.startswith(">") else "" for head in heads]
    top = "".join(
        f'<th scope="col"{css}>{text(head.removeprefix(">"))}</th>'
        for head, css in zip(heads, classes, strict=True)
    )
    body = "".join(_row(row, classes) for row in rows)
    # It can be scrolled where it is too wide, so the keyboard has to reach it.
    return Markup(
        f'<div class="scroll" tabindex="0" role="region" aria-label="{text(label)}">'
        f"<table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _row(row: Sequence[object], classes: Sequence[str]) -> str:
    first, *rest = zip(row, classes, strict=True)
    cells = "".join(f"<td{css}>{text(cell)}</td>" for cell, css in rest)
    return f'<tr><th scope="row"{first[1]}>{text(first[0])}</th>{cells}</tr>'
