"""The signing secrets: any may match, in constant time, and files may change under the process."""

import math
import os
import random
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ingress.keyring import Keyring, Signature
from ingress.settings import Misconfigured
from tests.ingress_rig import settings, sign

SECRET = "seismic-demo-secret"
VECTORS = [
    (
        b'{"type":"verification","challenge":"abc"}',
        b"e503104d7e0deaeb736cbadccfc1cdb6b95aa1e1e7856b7200d6fbe5cd9884cc",
    ),
    (
        (
            b'{"id":"a1b2c3d4-e5f6-7890-abcd-ef1234567890","version":"LivesendUpdatedV1",'
            b'"occurredAt":"2025-06-30T15:45:00Z","tenantId":"b4d8bb18-dc97-4e18-8049-50a04edf453f",'
            b'"tenantName":"exampleTenant","data":{"livesendId":"0a456a2a-df8b-48cc-876f-76c9ae095cf9",'
            b'"livesendVersionId":"08364a88-6b8e-8888-fc9c-cc03599c7041","action":"Renamed"},'
            b'"application":"Web","productArea":"Livesend"}'
        ),
        b"8583420eb68f4e97c1408207b0ee0c0598451eb65d37285248eefb579cb847df",
    ),
]

BEFORE, AFTER = "the-secret-before", "the-secret-after"


@pytest.mark.parametrize(("body", "signature"), VECTORS)
@pytest.mark.parametrize("spell", [bytes.lower, bytes.upper])
def test_known_vectors_pass_in_either_case(
    body: bytes, signature: bytes, spell: Callable[[bytes], bytes]
) -> None:
    assert Keyring([SECRET]).check(body, [spell(signature)]) is Signature.GOOD


@given(st.text(st.characters(codec="utf-8"), min_size=1, max_size=200))
@example("k" * 63)
@example("k" * 64)
@example("k" * 65)
@example("é" * 64)
def test_a_secret_of_any_length_signs_as_the_standard_library_does(secret: str) -> None:
    """From 65 bytes on it is hashed first: RFC 2104, section 2."""
    for body in (b"", b"{}", b"x" * 1000):
        assert Keyring([secret]).check(body, [sign(body, secret).encode()]) is Signature.GOOD


@pytest.mark.parametrize(
    "wrong",
    [
        b"0" * 64,
        b"e503104d",
        b"sha256=" + VECTORS[0][1],
        VECTORS[0][1] + b" ",
        b"\xff\x00",
        VECTORS[1][1],
    ],
)
def test_anything_else_is_wrong(wrong: bytes) -> None:
    assert Keyring([SECRET]).check(VECTORS[0][0], [wrong]) is Signature.WRONG


def test_any_secret_may_match_either_header() -> None:
    body = b"{}"
    keyring = Keyring(["new", "old"])
    good = [sign(body, "old").encode(), b"nonsense"]
    assert keyring.check(body, good) is Signature.GOOD
    assert keyring.check(body, good[::-1]) is Signature.GOOD


def test_without_signature_or_without_secrets_there_is_nothing_to_check() -> None:
    assert Keyring([SECRET]).check(b"{}", []) is Signature.ABSENT
    assert Keyring([SECRET]).check(b"{}", [b""]) is Signature.ABSENT
    assert Keyring([]).check(b"{}", [b"0" * 64]) is Signature.ABSENT


def test_secrets_of_files_are_added_one_per_line(tmp_path: Path) -> None:
    file = tmp_path / "secrets"
    file.write_text(f"{BEFORE}\n\n  {AFTER} \n")
    keyring = Keyring.of(settings(secrets_files=(file,)))
    assert len(keyring) == 3
    for secret in (SECRET, BEFORE, AFTER):
        assert keyring.check(b"x", [sign(b"x", secret).encode()]) is Signature.GOOD


def test_a_changed_file_is_read_again_and_the_old_secret_ends(tmp_path: Path) -> None:
    file = tmp_path / "secrets"
    file.write_text(BEFORE)
    keyring = Keyring.of(settings(secrets=(), secrets_files=(file,)))
    replacement = tmp_path / "replacement"
    replacement.write_text(AFTER)
    replacement.replace(file)
    keyring.changes.refresh()
    assert keyring.check(b"x", [sign(b"x", AFTER).encode()]) is Signature.GOOD
    assert keyring.check(b"x", [sign(b"x", BEFORE).encode()]) is Signature.WRONG


def test_an_unchanged_file_is_not_read_again(tmp_path: Path) -> None:
    file = tmp_path / "secrets"
    file.write_text(BEFORE)
    stamp = file.stat().st_mtime_ns
    keyring = Keyring.of(settings(secrets=(), secrets_files=(file,)))
    file.write_text("b" * len(BEFORE))
    os.utime(file, ns=(stamp, stamp))
    keyring.changes.refresh()
    assert keyring.check(b"x", [sign(b"x", BEFORE).encode()]) is Signature.GOOD


@pytest.mark.parametrize("content", [b"", b"\n \n", b"\xff\xfe", b"short", None])
def test_a_broken_file_keeps_the_secrets_in_force(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "secrets"
    file.write_text(BEFORE)
    keyring = Keyring.of(settings(secrets=(), secrets_files=(file,)))
    if content is None:
        file.unlink()
    else:
        file.write_bytes(content)
    keyring.changes.refresh()
    assert keyring.check(b"x", [sign(b"x", BEFORE).encode()]) is Signature.GOOD


def test_a_file_that_cannot_be_read_at_start_is_named(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match=r"GEOPHONE_SECRETS_FILES.*gone"):
        Keyring.of(settings(secrets_files=(tmp_path / "gone",)))


def test_a_comparison_s_time_tells_nothing_of_the_signature() -> None:
    """Welch's t between signatures that differ in the first and in the last digit.

    Comparing bytes with == shows |t| of 12 to 17 here, a loop over the digits more than 100. The
    slowest quarter of each group is the machine's, and the best of three tries counts: a leak
    would be in all of them.
    """
    keyring, body = Keyring([SECRET]), b"{}"
    right = sign(body).encode()
    early, late = _other(right, 0), _other(right, -1)
    assert min(_welch(*_times(keyring, body, early, late)) for _ in range(3)) < 4.5


def _other(signature: bytes, place: int) -> bytes:
    digits = bytearray(signature)
    digits[place] = ord("0") if digits[place] != ord("0") else ord("1")
    return bytes(digits)


def _times(keyring: Keyring, body: bytes, early: bytes, late: bytes) -> tuple[list[int], list[int]]:
    taken: tuple[list[int], list[int]] = ([], [])
    pairs = list(zip(taken, (early, late), strict=True))
    for _ in range(20_000):
        random.shuffle(pairs)
        for group, signature in pairs:
            started = time.perf_counter_ns()
            keyring.check(body, (signature,))
            group.append(time.perf_counter_ns() - started)
    return taken


def _welch(one: list[int], other: list[int]) -> float:
    kept = [sorted(group)[: len(group) * 3 // 4] for group in (one, other)]
    means = [statistics.fmean(group) for group in kept]
    spread = sum(statistics.variance(group) / len(group) for group in kept)
    return abs(means[0] - means[1]) / math.sqrt(spread)
