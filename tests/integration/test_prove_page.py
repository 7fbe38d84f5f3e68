"""The report's page in a real browser, from a file, as its reader opens it."""

import shutil
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Literal, cast

import pytest
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

from ops.prove.page import page as written
from tests import reports

NAMES = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM = next((path for name in NAMES if (path := shutil.which(name))), None)
FLAGS = [
    "--no-sandbox",  # CI runs as root
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
PLOTS = ("faults", "throughput", "times", "shares", "lag", "unstable")
CONTRAST = """element => {
    const canvas = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
    const light = colour => {
        canvas.fillStyle = colour;
        canvas.fillRect(0, 0, 1, 1);
        const parts = [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3).map(byte => {
            const part = byte / 255;
            return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
        });
        return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2];
    };
    let ground = element;
    const back = one => getComputedStyle(one).backgroundColor;
    while (back(ground) === "rgba(0, 0, 0, 0)") ground = ground.parentElement;
    const style = getComputedStyle(element);
    const svg = element instanceof SVGElement;
    const painted = svg && style.stroke !== "none" ? style.stroke : style.fill;
    const one = light(svg ? painted : style.color), other = light(back(ground));
    return (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
}"""
"""WCAG's contrast of an element's colour with what is behind it."""
BOXES = """all => all.map(one => {
    const box = one.getBoundingClientRect();
    return [box.left, box.top, box.right, box.bottom];
})"""


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip(f"no browser: none of {', '.join(NAMES)} is on the PATH")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(params=["light", "dark"])
def page(chromium: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A page on which any message in the console and any second request fails the test."""
    trouble: list[str] = []
    scheme: Literal["light", "dark"] = request.param
    context = chromium.new_context(color_scheme=scheme, viewport={"width": 1200, "height": 900})
    page = context.new_page()
    page.on("pageerror", lambda error: trouble.append(error.message))
    page.on("console", lambda line: trouble.append(line.text))
    page.on("request", lambda asked: trouble.append(asked.url))
    yield page
    context.close()
    assert trouble == [page.url]


def opened(page: Page, folder: Path, html: bytes) -> None:
    file = folder / "report.html"
    file.write_bytes(html)
    page.goto(file.as_uri())


@cache
def passed(seconds: int = 300, strikes: int = 12) -> bytes:
    return written(reports.report(seconds, strikes))


@cache
def failed() -> bytes:
    return written(reports.broken())


def contrasts(elements: Locator) -> list[float]:
    return cast("list[float]", elements.evaluate_all(f"all => all.map({CONTRAST})"))


@pytest.mark.browser
def test_every_plot_is_seen_with_its_name(page: Page, tmp_path: Path) -> None:
    opened(page, tmp_path, passed())
    expect(page.get_by_role("heading", name="PASSED")).to_be_visible()
    for name in PLOTS:
        plot = page.locator(f"#{name}")
        expect(plot).to_be_visible()
        title = str(plot.locator("title").text_content())
        expect(page.get_by_role("img", name=title)).to_have_id(name)
        box = plot.bounding_box()
        assert box
        assert box["width"] > 900
        assert box["height"] > 60


@pytest.mark.browser
def test_all_plots_share_one_time_axis(page: Page, tmp_path: Path) -> None:
    opened(page, tmp_path, passed())
    places = {
        round(box["x"] + box["width"] / 2)
        for name in PLOTS
        if (box := page.locator(f"#{name} text", has_text="2:30").bounding_box())
    }
    assert len(places) == 1


@pytest.mark.browser
def test_texts_and_lines_can_be_read_in_both_schemes(page: Page, tmp_path: Path) -> None:
    opened(page, tmp_path, failed())
    texts = page.locator("h1, h2, h3, p, td, th, li, dt, dd, .mark, .key, summary, svg text")
    assert min(contrasts(texts.filter(visible=True))) >= 4.5
    thick = "all => all.filter(one => getComputedStyle(one).strokeWidth === '1.4px')"
    lines = page.locator("#throughput path, #times path")
    assert len(lines.evaluate_all(thick)) == 6
    assert min(lines.evaluate_all(f"{thick}.map({CONTRAST})")) >= 3


@pytest.mark.browser
def test_the_ground_follows_the_scheme(page: Page, tmp_path: Path) -> None:
    opened(page, tmp_path, passed(60, 2))
    dark = page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert ground == ("rgb(14, 19, 18)" if dark else "rgb(243, 246, 245)")


@pytest.mark.browser
@pytest.mark.parametrize(("seconds", "strikes"), [(300, 12), (4200, 1000)], ids=["few", "many"])
def test_the_faults_are_marked_on_every_plot(
    page: Page, tmp_path: Path, seconds: int, strikes: int
) -> None:
    opened(page, tmp_path, passed(seconds, strikes))
    for name in PLOTS:
        drawn = page.locator(f"#{name} path").evaluate_all(
            "all => all.map(one => one.getAttribute('d') ?? '')"
        )
        # The lines of one kind of fault are one path: for each a move and a line straight up.
        starts = sum(path.count("M") for path in drawn if upright(path))
        assert starts >= strikes


def upright(path: str) -> bool:
    """Tell whether a path is nothing but vertical lines."""
    parts = [part.split() for part in path.replace("L", "M").split("M") if part.strip()]
    pairs = zip(parts[::2], parts[1::2], strict=False)
    return (
        "z" not in path
        and path.count("M") == path.count("L")
        and all(low[0] == high[0] for low, high in pairs)
    )


@pytest.mark.browser
def test_no_labels_lie_upon_each_other(page: Page, tmp_path: Path) -> None:
    opened(page, tmp_path, passed(4200, 1000))
    for name in PLOTS:
        frame, *labels = page.locator(f"#{name}, #{name} text").evaluate_all(BOXES)
        for at, (left, top, right, bottom) in enumerate(labels):
            assert frame[0] <= left
            assert right <= frame[2]
            for other in labels[at + 1 :]:
                apart = other[0] >= right or other[2] <= left
                # A line's box is higher than its letters.
                assert apart or other[1] >= bottom - 5 or other[3] <= top + 5


@pytest.mark.browser
def test_every_fault_is_listed_on_demand(page: Page, tmp_path: Path) -> None:
    opened(page, tmp_path, passed())
    listed = page.get_by_role("region", name="Every fault")
    expect(listed).to_be_hidden()
    page.get_by_text("Every fault in order").click()
    expect(listed).to_be_visible()
    expect(listed.locator("tbody tr")).to_have_count(12)


@pytest.mark.browser
def test_it_prints_on_light_ground_within_the_paper(page: Page, tmp_path: Path) -> None:
    opened(page, tmp_path, failed())
    page.set_viewport_size({"width": 718, "height": 1000})  # A4 within its margins
    page.emulate_media(media="print")
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert ground == "rgb(255, 255, 255)"
    assert page.evaluate("document.documentElement.scrollWidth") <= 718


@pytest.mark.browser
def test_on_a_telephone_the_tables_scroll_and_the_page_does_not(page: Page, tmp_path: Path) -> None:
    opened(page, tmp_path, written(reports.broken("word" * 60)))
    page.set_viewport_size({"width": 390, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
