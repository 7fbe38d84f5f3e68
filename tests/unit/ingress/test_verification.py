"""Verifications: both forms are echoed exactly, and nothing that is not one."""

import orjson
import pytest

from ingress import verification

GUID = "91031261-0508-41aa-bd17-53c390a96a99"


@pytest.mark.parametrize("kind", ["verification", "Verification"])
def test_the_old_form_is_echoed_as_plain_text(kind: str) -> None:
    answer = verification.recognise({"type": kind, "challenge": "3eZbrw"})
    assert answer
    assert (answer.status, answer.body) == (200, b"3eZbrw")
    assert (b"content-type", b"text/plain; charset=utf-8") in answer.headers


@pytest.mark.parametrize("version", ["WebhookChallengeV1", "webhookchallengev1"])
def test_the_new_form_is_echoed_as_json(version: str) -> None:
    answer = verification.recognise({"id": "x", "version": version, "data": {"challenge": GUID}})
    assert answer
    assert (answer.status, orjson.loads(answer.body)) == (200, {"challenge": GUID})
    assert (b"content-type", b"application/json") in answer.headers


def test_what_is_echoed_can_be_neither_sniffed_nor_cached() -> None:
    answer = verification.recognise({"type": "verification", "challenge": "<script>"})
    assert answer
    assert (b"x-content-type-options", b"nosniff") in answer.headers
    assert (b"cache-control", b"no-store") in answer.headers


@pytest.mark.parametrize("text", ["", "x" * 1025, "line\nbreak", "tab\t", "é", "\x00", "\x7f"])
def test_a_challenge_is_short_printable_ascii_or_none(text: str) -> None:
    assert verification.recognise({"type": "verification", "challenge": text}) is None
    new = {"version": "WebhookChallengeV1", "data": {"challenge": text}}
    assert verification.recognise(new) is None


def test_the_longest_challenge_is_echoed() -> None:
    text = "".join(map(chr, range(32, 127))) + "x" * (1024 - 95)
    answer = verification.recognise({"type": "verification", "challenge": text})
    assert answer
    assert answer.body == text.encode()


@pytest.mark.parametrize(
    "parsed",
    [
        {"type": "verification"},
        {"type": "verification", "challenge": 5},
        {"type": ["verification"], "challenge": "x"},
        {"type": "event", "challenge": "x"},
        {"version": "WebhookChallengeV1", "challenge": "x"},
        {"version": "WebhookChallengeV1", "data": "x"},
        {"version": "WebhookChallengeV1", "data": {"challenge": None}},
        {"version": "LivesendUpdatedV1", "data": {"challenge": "x"}},
    ],
)
def test_anything_else_is_no_verification(parsed: dict[str, object]) -> None:
    assert verification.recognise(parsed) is None


def test_of_the_old_form_without_its_challenge_the_new_one_is_not_looked_for() -> None:
    both = {"type": "verification", "version": "WebhookChallengeV1", "data": {"challenge": GUID}}
    assert verification.recognise(both) is None
