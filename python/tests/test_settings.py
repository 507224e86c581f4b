"""The URL and the options."""

import pytest
from celery.exceptions import ImproperlyConfigured

from celery_dynakv.settings import read_settings
from conftest import make_app


@pytest.mark.parametrize(
    ("url", "target", "tls"),
    [
        ("dynakv://", "localhost:50051", False),
        ("dynakv://kv", "kv:50051", False),
        ("dynakv://kv:1/", "kv:1", False),
        ("dynakvs://kv.example:443", "kv.example:443", True),
        ("dynakv://[::1]:7", "[::1]:7", False),
    ],
)
def test_urls(url, target, tls):
    settings = read_settings(url, {})
    assert (settings.target, settings.tls) == (target, tls)


@pytest.mark.parametrize(
    ("url", "word"),
    [
        ("dynakv://kv:0x1", "port"),
        ("dynakv://kv:99999", "port"),
        ("dynakv://kv/table", "table"),
        ("dynakv://kv?a=b", "options"),
        ("dynakv://user:secret@localhost", "users"),
        ("redis://kv", "dynakv://"),
    ],
)
def test_urls_that_cannot_be(url, word):
    with pytest.raises(ImproperlyConfigured, match=word) as raised:
        read_settings(url, {})
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"tokken": "secret"}, "tokken"),
        ({"timeout": 0}, "timeout"),
        ({"timeout": "5"}, "timeout"),
        ({"retry_for": float("inf")}, "retry_for"),
        ({"strong_reads": "yes"}, "strong_reads"),
        ({"token": "secret"}, "unencrypted"),
        ({"token": "sec ret"}, "ASCII"),
        ({"token": 5}, "token"),
        ({"ssl_certfile": "a"}, "ssl_keyfile"),
        ({"ssl_ca_certs": "a"}, "dynakvs"),
    ],
)
def test_options_that_cannot_be(options, word):
    with pytest.raises(ImproperlyConfigured, match=word) as raised:
        read_settings("dynakv://kv.example", options)
    assert "secret" not in str(raised.value)


def test_a_token_may_go_to_this_machine_and_over_tls():
    assert read_settings("dynakv://:t%40ken@localhost", {}).token == "t@ken"
    assert read_settings("dynakvs://:a@kv.example", {}).token == "a"
    assert read_settings("dynakv://kv.example", {"token": "a", "allow_insecure_token": True}).token == "a"
    assert "t@ken" not in repr(read_settings("dynakv://:t%40ken@localhost", {}))


def test_a_token_is_not_shown_by_as_uri():
    app = make_app(":secret@localhost:50051")
    assert "secret" not in app.backend.as_uri()
    assert "secret" in app.backend.as_uri(include_password=True)


def test_what_cannot_be_configured_fails_when_the_backend_is_made():
    with pytest.raises(ImproperlyConfigured):
        _ = make_app("kv", result_backend_transport_options={"tokken": 1}).backend
