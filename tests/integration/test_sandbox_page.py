"""The sandbox's page in a real browser, and its HTTP interface, served by the real process."""

import json
import shutil
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import quote
from urllib.request import Request, urlopen
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, Dialog, Page, expect, sync_playwright

from schemas.task import Person, Related, TaskCommand
from tests.sandbox_fixture import running_sandbox

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
HINT = "geophone send 'LiveSend <email>'"
Send = Callable[..., TaskCommand]


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    with running_sandbox(tmp_path, "--hint", HINT) as address:
        yield address


@pytest.fixture
def send(url: str) -> Send:
    def send(**changes: object) -> TaskCommand:
        task = TaskCommand(
            key=uuid4(),
            tenant_id="tenant-1",
            event_id="event-1",
            event_type="LiveSendEmailV1",
            interaction_id="interaction-1",
            owner=Person(email="sam@vendor.example"),
            recipient=Person(email="pat@customer.example"),
            subject="Follow up: Pat",
            due=date(2026, 10, 1),
            related=Related(type="Opportunity", id="0064600", name="Renewal"),
        ).model_copy(update=changes)
        status, _ = ask(url + "/tasks", "POST", task.encode(), str(task.key))
        assert status == 201
        return task

    return send


def ask(url: str, method: str = "GET", body: bytes | None = None, key: str = "") -> tuple[int, Any]:
    headers = {"Idempotency-Key": key} if key else {}
    try:
        with urlopen(Request(url, body, headers, method=method)) as answer:  # noqa: S310 - http only
            return answer.status, json.load(answer)
    except HTTPError as problem:
        with problem:
            return problem.code, json.load(problem)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip(f"no browser: none of {', '.join(NAMES)} is on the PATH")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """A page on which any script error, dialogue or blocked resource fails the test."""
    trouble: list[str] = []

    def dismissed(dialog: Dialog) -> None:
        trouble.append(dialog.message)
        dialog.dismiss()

    context = chromium.new_context()
    page = context.new_page()
    page.on("pageerror", lambda error: trouble.append(error.message))
    page.on("console", lambda line: trouble.append(line.text))
    page.on("dialog", dismissed)
    yield page
    context.close()
    assert trouble == []


@pytest.mark.browser
def test_the_empty_page_says_how_to_get_a_task(page: Page, url: str) -> None:
    page.goto(url)
    expect(page.get_by_role("heading", name="No tasks yet")).to_be_visible()
    expect(page.locator("code")).to_have_text(HINT)


@pytest.mark.browser
def test_a_task_is_listed_with_all_its_columns(page: Page, url: str, send: Send) -> None:
    task = send()
    page.goto(url)
    assert page.locator("thead th").all_text_contents() == [
        "Due",
        "Subject",
        "Owner",
        "Recipient",
        "Related record",
        "Tenant",
        "Status",
        "Event type",
        "Created (UTC)",
    ]
    row = page.locator(f"#task-{task.key}")
    for text in (
        "2026-10-01",
        "Follow up: Pat",
        "sam@vendor.example",
        "pat@customer.example",
        "Renewal",
        "Opportunity",
        "0064600",
        "tenant-1",
        "Open",
        "LiveSendEmailV1",
    ):
        expect(row).to_contain_text(text)
    expect(page.get_by_role("status")).to_have_text("1 task: 1 open, 0 done")


@pytest.mark.browser
def test_markup_in_an_event_is_text_on_the_page(page: Page, url: str, send: Send) -> None:
    attack = "\"'><img src=x onerror=alert(1)><script>alert(2)</script>"
    task = send(
        subject=attack,
        recipient=Person(email=attack),
        owner=Person(id=attack),
        related=Related(type=attack, id=attack, name=attack),
        tenant_id=attack,
        event_id=attack,
        event_type=attack,
    )
    page.goto(f"{url}/?q={quote('<script>')}")
    row = page.locator(f"#task-{task.key}")
    expect(row.get_by_role("rowheader")).to_contain_text(attack)
    assert row.locator("script, img").count() == 0
    page.goto(f"{url}/?q={quote(attack + 'x')}")
    expect(page.get_by_role("heading", name="No task matches")).to_contain_text(attack)
    expect(page.get_by_label("Search tasks")).to_have_value(attack + "x")
    assert page.locator("main script, main img").count() == 0


@pytest.mark.browser
def test_a_script_that_got_in_would_be_stopped_by_the_policy(chromium: Browser, url: str) -> None:
    context = chromium.new_context()
    page = context.new_page()
    page.goto(url)
    blocked = page.evaluate(
        """() => new Promise((resolve) => {
            const told = (event) => resolve(event.effectiveDirective);
            document.addEventListener("securitypolicyviolation", told);
            const script = document.createElement("script");
            script.textContent = "document.title = 'owned'";
            document.body.append(script);
            if (document.title === "owned") resolve("it ran");
        })"""
    )
    context.close()
    assert blocked.startswith("script-src")


@pytest.mark.browser
@pytest.mark.parametrize("scripting", [True, False], ids=["with script", "without script"])
def test_mark_done_and_search_work(
    chromium: Browser, url: str, send: Send, *, scripting: bool
) -> None:
    other, task = send(), send(subject="Call Kim & Co", recipient=Person(email="kim@x.example"))
    context = chromium.new_context(java_script_enabled=scripting)
    page = context.new_page()
    page.goto(url)
    page.get_by_label("Search tasks").fill("kim & co")
    page.get_by_role("button", name="Search").click()
    expect(page.locator("tbody tr")).to_have_count(1)
    page.get_by_role("button", name="Mark done: Call Kim & Co").click()
    expect(page.locator(f"#task-{task.key} .status")).to_have_text("Done")
    expect(page.get_by_label("Search tasks")).to_have_value("kim & co")
    expect(page.get_by_role("button", name="Mark done")).to_have_count(0)
    statuses = {one["key"]: one["status"] for one in ask(url + "/tasks")[1]["tasks"]}
    assert statuses == {str(task.key): "completed", str(other.key): "open"}
    context.close()


@pytest.mark.browser
def test_typing_filters_and_clearing_shows_all(page: Page, url: str, send: Send) -> None:
    send()
    task = send(recipient=Person(email="kim@x.example"))
    page.goto(url)
    search = page.get_by_label("Search tasks")
    search.press_sequentially("KIM@")
    expect(page.locator("tbody tr")).to_have_count(1)
    expect(page.locator("tbody tr")).to_have_id(f"task-{task.key}")
    search.fill("nobody")
    expect(page.get_by_role("heading", name="No task matches “nobody”")).to_be_visible()
    search.fill("")
    expect(page.locator("tbody tr")).to_have_count(2)


@pytest.mark.browser
def test_a_new_task_appears_by_itself_and_the_focus_stays(page: Page, url: str, send: Send) -> None:
    task = send()
    page.goto(url)
    button = page.locator(f"#done-{task.key}")
    button.focus()
    newest = send(subject="Just arrived")
    expect(page.locator("tbody tr").first).to_have_id(f"task-{newest.key}", timeout=10_000)
    expect(page.get_by_role("status")).to_have_text("2 tasks: 2 open, 0 done")
    expect(button).to_be_focused()


@pytest.mark.browser
def test_the_refresh_can_be_switched_off(page: Page, url: str, send: Send) -> None:
    page.clock.install()
    page.goto(url)
    page.get_by_label("Refresh automatically").uncheck()
    send()
    page.clock.run_for(60_000)
    expect(page.get_by_role("heading", name="No tasks yet")).to_be_visible()
    page.get_by_label("Refresh automatically").check()
    page.clock.run_for(3_000)
    expect(page.locator("tbody tr")).to_have_count(1)


def test_a_command_that_cannot_be_read_is_a_400_in_the_ledger(url: str, send: Send) -> None:
    wire, key = send().encode(), str(uuid4())
    assert ask(url + "/tasks", "POST", b"{}", key)[1]["title"] == "Invalid task command"
    status, body = ask(url + "/tasks", "POST", wire, key)
    assert (status, body["detail"]) == (400, "Idempotency-Key must be the command's key")
    attempts = ask(f"{url}/attempts")[1]
    assert attempts["outcomes"] == {"created": 1, "invalid": 2}
    assert attempts["total"] == len(attempts["attempts"]) == 3


def test_the_list_counts_and_filters(url: str, send: Send) -> None:
    send()
    task = send(tenant_id="tenant-2", event_id="event-2")
    ask(f"{url}/tasks/{task.key}/complete", "POST")
    found = ask(f"{url}/tasks?tenant=tenant-2&recipient=PAT@customer.example&event=event-2")[1]
    assert [one["key"] for one in found.pop("tasks")] == [str(task.key)]
    assert found == {"total": 2, "open": 1, "completed": 1, "matching": 1}
    assert ask(f"{url}/tasks/{task.key}")[1]["status"] == "completed"


@pytest.mark.parametrize(
    ("method", "path", "status", "detail"),
    [
        ("GET", "/tasks?tenantId=x", 400, "unknown filter 'tenantId'"),
        ("GET", "/tasks?limit=all", 400, "limit must be a number"),
        ("GET", "/tasks/none", 404, "no task with this key"),
        ("POST", "/tasks/none/complete", 404, "no task with this key"),
        ("PUT", "/faults", 400, "script: Invalid JSON"),
        ("GET", "/nowhere", 404, "Not Found"),
        ("DELETE", "/", 405, "Method Not Allowed"),
    ],
)
def test_a_wrong_question_gets_a_problem(
    url: str, method: str, path: str, status: int, detail: str
) -> None:
    code, body = ask(url + path, method)
    assert code == body["status"] == status
    assert detail in body["detail"]


def test_a_script_is_loaded_shown_and_cleared(url: str) -> None:
    script = b'[{"kind":"status","status":503,"times":5}]'
    shown = [{"kind": "status", "status": 503, "times": 5, "match": {}, "title": "Scripted fault"}]
    assert ask(url + "/faults", "PUT", script) == (200, shown)
    assert ask(url + "/faults") == (200, shown)
    assert ask(url + "/faults", "DELETE") == (200, [])


def test_tasks_outlive_the_process(tmp_path: Path) -> None:
    with running_sandbox(tmp_path) as url:
        assert ask(url + "/tasks")[1]["total"] == 0
        task = (
            b'{"version":1,"kind":"follow-up","key":"61d4cc70-2eb4-510c-bda2-6d114a2abfc9",'
            b'"tenantId":"t","eventId":"e","eventType":"x","interactionId":"i","owner":{},'
            b'"recipient":{},"subject":"s","due":"2026-10-01"}'
        )
        ask(url + "/tasks", "POST", task, "61d4cc70-2eb4-510c-bda2-6d114a2abfc9")
    with running_sandbox(tmp_path) as url:
        assert ask(url + "/tasks")[1]["total"] == 1
