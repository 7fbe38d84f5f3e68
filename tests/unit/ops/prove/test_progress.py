"""How far a run is: one changing line on a terminal, few plain lines elsewhere."""

import io
from dataclasses import replace

from rich.console import Console

from ops.prove.progress import Display, Now, line

NOW = Now(
    elapsed=751,
    remaining=3449,
    sent=123_456,
    events=1_000_000,
    ok=120_000,
    fail=3_400,
    unknown=56,
    kills=12,
    kills_planned=1000,
    fault="kill worker worker-2",
    p99=23.4,
    lag=1_234,
)


def test_the_line_says_all_of_it() -> None:
    assert line(NOW) == (
        "12:31, 57:29 left · 123,456 attempts at 1,000,000 events · 12 of 1,000 faults · "
        "kill worker worker-2 · 120,000 ok, 3,400 fail, 56 unknown · p99 23 ms · lag 1,234"
    )


def test_what_is_not_known_is_not_said() -> None:
    assert line(Now(elapsed=3, remaining=None, sent=1, events=9)) == (
        "0:03 · 1 attempts at 9 events · 0 ok, 0 fail, 0 unknown"
    )


def test_without_a_terminal_there_is_a_line_every_ten_seconds() -> None:
    printed, clock = io.StringIO(), [100.0]
    with Display(Console(file=printed, width=40), now=lambda: clock[0]) as display:
        for second in range(25):
            clock[0] = 100.0 + second
            display.show(replace(NOW, elapsed=second))
        display.say("reading back")
    lines = printed.getvalue().splitlines()
    assert [one.split(",")[0] for one in lines] == ["0:00", "0:10", "0:20", "reading back"]
    assert lines[0].endswith("lag 1,234")


def test_on_a_terminal_the_line_never_wraps() -> None:
    printed = io.StringIO()
    console = Console(file=printed, width=40, force_terminal=True, color_system=None, height=10)
    with Display(console) as display:
        display.show(NOW)
        display.show(replace(NOW, fault="pause broker"))
    assert "12:31, 57:29 left" in printed.getvalue()
    assert "…" in printed.getvalue()
    assert "lag" not in printed.getvalue()
