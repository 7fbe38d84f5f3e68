from base64 import b64encode
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.crm.signing import BadSecret, signer


def test_the_standards_own_vector() -> None:
    """From the Standard Webhooks repository, libraries/go/webhook_test.go."""
    signature = signer("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").sign(
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        datetime.fromtimestamp(1614265330, UTC),
        '{"test": 2432232314}',
    )
    assert signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@given(st.binary(min_size=24, max_size=64))
def test_the_prefix_is_optional(key: bytes) -> None:
    moment, text = datetime(2026, 10, 1, tzinfo=UTC), b64encode(key).decode()
    with_prefix, without = signer(f"whsec_{text}"), signer(text)
    assert with_prefix.sign("id", moment, "body") == without.sign("id", moment, "body")


@given(st.binary(max_size=23) | st.binary(min_size=65, max_size=100))
def test_a_key_out_of_the_standards_bounds_is_refused(key: bytes) -> None:
    with pytest.raises(BadSecret, match="24 to 64 bytes"):
        signer(b64encode(key).decode())


@pytest.mark.parametrize("secret", ["whsec_", "whsec_not base64!", "pässword", "abc"])
def test_what_is_no_secret_is_refused_without_repeating_it(secret: str) -> None:
    with pytest.raises(BadSecret) as caught:
        signer(secret)
    assert secret not in str(caught.value).replace("must be whsec_ followed", "")
