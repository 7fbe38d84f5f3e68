"""The page: all of the report is on it, as text; it needs nothing, stays small, and repeats."""

import re
import subprocess
import sys
from base64 import b64encode
from collections import Counter
from dataclasses import dataclass, field, replace
from hashlib import sha256
from html.parser import HTMLParser

import pytest

from ops.prove.findings import Report, Series, Verdict
from ops.prove.history import Strike
from ops.prove.page import page
from ops.prove.report import NOT_JUDGED
from ops.prove.timeline import FEW, colours
from tests import reports

VOID = {"meta", "link", "br", "wbr"}
ATTACK = "$\\q$\"'><img src=x onerror=alert(1)><script>alert(2)</script>\x00&amp;"


@dataclass
class Element:
    tag: str
    attributes: dict[str, str | None]
    texts: list[str] = field(default_factory=list)
    inside: list["Element"] = field(default_factory=list)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())


class Document(HTMLParser):
    """Every element with the text in it; fails on one that is closed wrongly."""

    def __init__(self, html: bytes) -> None:
        super().__init__()
        self.elements: list[Element] = []
        self._open: list[Element] = []
        self.feed(html.decode())
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, dict(attrs), inside=list(self._open))
        self.elements.append(element)
        if tag not in VOID:
            self._open.append(element)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop().tag == tag

    def handle_data(self, data: str) -> None:
        for element in self._open:
            element.texts.append(data)

    def all(self, tag: str) -> list[Element]:
        return [element for element in self.elements if element.tag == tag]

    def rows(self) -> list[str]:
        return [row.text for row in self.all("tr")]


@pytest.fixture(scope="module")
def passed() -> Document:
    return Document(page(reports.report()))


def test_all_that_was_found_is_on_the_page() -> None:
    document = Document(page(reports.broken("two are missing")))
    assert document.all("title")[0].text == "FAILED · geophone prove, seed 7"
    assert [one.text for one in document.all("h2")] == [
        "FAILED",
        "Findings",
        "The books",
        "Times",
        "Fault by seed",
        "Over time",
        "Faults",
        "Counts",
        "Made with",
    ]
    assert document.all("li")[0].text == "two are missing"
    assert NOT_JUDGED in [one.text for one in document.all("p")]
    for row in (
        "I1 lost-write 2 event 7: two are missing event 9",
        "two are missing 10 8 broken",
        "slowest answer 3.400 s 3.000 s 100 broken",
        "fault seed 1 seed 2",
        "kill broker passed 0.510 s failed 3.400 s an answer came late",
        "cut link not run void - the proxy died",
        "kill ingress 2",
        "attempts 1,240,110",
        "Kafka 4.4.0",
    ):
        assert row in document.rows()


@pytest.mark.parametrize("verdict", list(Verdict))
def test_the_verdict_is_a_word_and_not_a_colour_alone(verdict: Verdict) -> None:
    document = Document(page(Report(verdict, (), "", "", 1, "", 0.0, {}, {})))
    assert document.all("h2")[0].text == verdict.value.upper()
    assert document.all("svg") == []


def test_text_of_a_run_stays_text() -> None:
    strike = Strike(ATTACK, ATTACK, 1.0, 2.0, ATTACK)
    cell = replace(reports.matrix()[1], fault=ATTACK, reasons=(ATTACK,))
    report = replace(
        reports.broken(ATTACK),
        command=ATTACK,
        profile=ATTACK,
        began=ATTACK,
        versions={ATTACK: ATTACK},
        environment={f"{ATTACK}2": ATTACK},
        counts={ATTACK: 1},
        strikes=(strike,),
        cells=(cell,),
        series=Series((0.0,), {"status_200": (1.0,), f"status_{ATTACK}": (1.0,)}),
    )
    html = page(report)
    document = Document(html)
    assert document.all("script") == document.all("img") == []
    assert b"\x00" not in html
    assert not [key for one in document.elements for key in one.attributes if key[:2] == "on"]
    plain = ATTACK.replace("\x00", "\\x00")
    assert sum(plain in cell.text for cell in document.all("td")) >= 6
    assert plain in document.all("li")[0].text


def test_the_policy_allows_the_pages_own_style_and_nothing_else(passed: Document) -> None:
    metas = [one.attributes for one in passed.all("meta")]
    policy = next(str(one["content"]) for one in metas if "http-equiv" in one)
    style = "".join(passed.all("style")[0].texts)
    digest = b64encode(sha256(style.encode()).digest()).decode()
    assert policy == (
        "default-src 'none'; base-uri 'none'; form-action 'none'; img-src data:;"
        f" style-src 'sha256-{digest}'"
    )
    assert len(passed.all("style")) == 1
    assert not [one for one in passed.elements if "style" in one.attributes]


def test_nothing_is_asked_for_from_outside(passed: Document) -> None:
    for element in passed.elements:
        for name in ("src", "href", "srcset", "action", "data", "poster"):
            value = element.attributes.get(name) or "#"
            assert value.startswith(("#", "data:"))
    assert "url(" not in "".join(passed.all("style")[0].texts)


def test_each_plot_has_a_name_and_says_in_words_what_it_shows(passed: Document) -> None:
    plots = passed.all("svg")
    names = ["faults", "throughput", "times", "shares", "lag", "unstable"]
    assert [plot.attributes["id"] for plot in plots] == names
    for plot in plots:
        assert plot.attributes["role"] == "img"
        assert plot.attributes["aria-labelledby"] == "{0}-title {0}-text".format(
            plot.attributes["id"]
        )
    words = {one.attributes["id"]: one.text for one in passed.elements if "id" in one.attributes}
    assert "kill ingress 5 times" in words["faults-text"]
    assert re.fullmatch(
        r"Over 5:00: slowest from .* to 2,510 ms; p99 from .* ms; p50 from .* ms\.",
        words["times-text"],
    )
    assert "3.0 s limit" in words["times"]
    assert "10 ms" in words["times"]


def test_tables_have_headers_and_ids_are_unique(passed: Document) -> None:
    assert {head.attributes.get("scope") for head in passed.all("th")} == {"col", "row"}
    ids = Counter(one.attributes["id"] for one in passed.elements if "id" in one.attributes)
    assert ids.most_common(1)[0][1] == 1
    used = [str(one.attributes["href"])[1:] for one in passed.all("use")]
    assert set(used) <= set(ids)
    assert used


def test_the_legend_names_each_kind_of_fault_and_each_line(passed: Document) -> None:
    keys = [
        one.text for one in passed.all("span") if "key" in str(one.attributes.get("class")).split()
    ]
    assert {"kill ingress: 5", "accepted", "no answer", "p50", "slowest", "lag"} <= set(keys)


def test_only_so_many_kinds_have_a_colour_of_their_own() -> None:
    strikes = [Strike(f"kind {at}", "x", 0.0) for at in range(10) for _ in range(20 - at)]
    named = list(colours(strikes).values())
    assert named[7:] == ["dim"] * 3
    assert len(set(named)) == 8


def test_answers_are_told_apart_by_status_where_that_is_known() -> None:
    series = Series((0.0, 1.0), {"status_200": (9.0, 8.0), "status_503": (0.0, 1.0)})
    document = Document(page(replace(reports.report(5, 1), series=series)))
    assert [plot.attributes["id"] for plot in document.all("svg")] == ["faults", "shares"]
    keys = [one.text for one in document.all("figcaption")]
    assert keys[1] == "Shares of the answers 200 503"


def test_seventy_minutes_and_a_thousand_kills_stay_small() -> None:
    report = reports.report(4200, 1000)
    assert len(report.strikes) > FEW
    html = page(report)
    assert len(html) < 1_500_000
    document = Document(html)
    assert "of 5 values each" in document.all("figcaption")[1].text
    assert len(document.all("tr")) > 1000


def test_the_same_report_is_the_same_page() -> None:
    assert page(reports.report(60, 3)) == page(reports.report(60, 3))


def test_a_run_of_no_time_and_of_nothing_known_has_a_page() -> None:
    empty = Series((0.0, 1.0), {"p50": (None, None), "lag": (0.0, 0.0), "max": (0.0, 0.0)})
    document = Document(page(replace(reports.report(1, 1), seconds=0.0, series=empty)))
    assert [plot.attributes["id"] for plot in document.all("svg")] == ["faults", "times", "lag"]


def test_the_page_module_does_not_load_matplotlib() -> None:
    code = "import sys, ops.prove.page, ops.prove.report; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
