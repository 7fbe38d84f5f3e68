"""An answer as bytes: with the headers of the second in which it is given."""

import pytest

from ingress import answers
from ingress.answers import Answer
from ingress.rendering import Rendering

NOON = [(b"date", b"noon")]
LATER = [(b"date", b"later")]


@pytest.mark.parametrize("answer", [answers.STORED, answers.LIFECYCLE])
def test_the_headers_are_those_of_the_moment(answer: Answer) -> None:
    rendered = Rendering()
    for defaults, date in ((NOON, b"noon"), (NOON, b"noon"), (LATER, b"later"), (NOON, b"noon")):
        head = rendered(answer, defaults, closing=False)
        assert head.count(b"date: ") == 1
        assert b"date: %b\r\n" % date in head


@pytest.mark.parametrize("answer", [answers.STORED, answers.LIFECYCLE, answers.UNSIGNED])
def test_a_connection_that_ends_says_so_once(answer: Answer) -> None:
    rendered = Rendering()
    ends = answers.CLOSE in answer.headers
    for closing in (False, True, False):
        said = rendered(answer, NOON, closing=closing).count(b"connection: close\r\n")
        assert said == int(closing or ends)
