"""Texts as CRMs count them: in units of UTF-16, of which a character may take two. Pure."""

_BYTES = 2


def cut(text: str, limit: int) -> str:
    """Return the beginning of the text, at most `limit` units, no half characters."""
    beginning = text.encode("utf-16-le", "surrogatepass")[: limit * _BYTES]
    return beginning.decode("utf-16-le", "ignore")
