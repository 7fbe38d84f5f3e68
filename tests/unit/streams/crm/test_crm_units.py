"""Where a text is cut."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.crm.units import cut


@pytest.mark.parametrize(
    ("text", "limit", "left"),
    [("ab", 2, "ab"), ("abc", 2, "ab"), ("a😀", 2, "a"), ("a😀", 3, "a😀"), ("a\ud83d", 2, "a")],
)
def test_no_character_is_cut_in_two(text: str, limit: int, left: str) -> None:
    assert cut(text, limit) == left


@given(st.text(), st.integers(0, 50))
def test_what_is_left_is_a_beginning_that_fits(text: str, limit: int) -> None:
    left = cut(text, limit)
    assert text.startswith(left)
    assert limit - 1 <= len(left.encode("utf-16-le")) // 2 <= limit or left == text
