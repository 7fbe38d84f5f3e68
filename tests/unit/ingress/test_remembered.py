"""What is remembered from one request to the next is bounded, whatever a stranger sends."""

from ingress import head
from ingress.head import Head
from schemas import ambiguity, headers


def test_a_long_host_is_judged_and_not_remembered() -> None:
    before = head._is_short_host.cache_info().currsize
    for number in range(300):
        assert Head.of([(b"host", b"%d." % number + b"h" * 1000)]).framed
        assert not Head.of([(b"host", b"%d/" % number + b"h" * 1000)]).framed
    assert head._is_short_host.cache_info().currsize == before


def test_a_short_host_is_judged_the_same_way_every_time() -> None:
    for _ in range(3):
        assert Head.of([(b"host", b"hooks.example.com:443")]).framed
        assert not Head.of([(b"host", b"hooks.example.com/x")]).framed
    assert head._is_short_host.cache_info().maxsize == 256


def test_a_name_longer_than_any_that_decides_is_not_remembered() -> None:
    before = ambiguity._quoted.cache_info().currsize
    for number in range(300):
        assert ambiguity.repeated({f"{number:09}": 1}, b"{}") is None
    assert ambiguity._quoted.cache_info().currsize == before
    assert ambiguity._quoted.cache_info().maxsize == 1024


def test_so_many_tenants_are_remembered_and_no_more() -> None:
    assert headers._of_tenant.cache_info().maxsize == 1024
    assert headers._of_type.cache_info().maxsize == 1024
