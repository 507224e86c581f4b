"""The URL and the transport options of the backend."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from ipaddress import ip_address
from typing import Any, Callable, Optional, Union
from urllib.parse import unquote, urlsplit

from celery.exceptions import ImproperlyConfigured

default_port = 50051


@dataclass(frozen=True)
class Settings:
    """Where the server is, and how it is called.

    Each field but ``host``, ``port`` and ``tls`` is an option of ``result_backend_transport_options``.
    """

    #: From the URL. Without a host: localhost.
    host: str = "localhost"
    #: From the URL. The default is 50051.
    port: int = default_port
    #: Whether the scheme is ``dynakvs``.
    tls: bool = False
    #: The bearer token, or a function that returns it, called for each try so that it can be renewed. The URL may have it in
    #: place of a password: ``dynakvs://:token@host``.
    token: Union[str, Callable[[], str], None] = field(default=None, repr=False)
    #: Whether the token may go to another machine without TLS, where everybody on the way can read it.
    allow_insecure_token: bool = False
    #: Seconds for one try of a call. The default is 5.
    timeout: float = 5.0
    #: Seconds for which a call is tried before it raises. The default is 30.
    retry_for: float = 30.0
    #: Whether results are read with strong consistency: what has been stored is seen at once, for twice the read units. What a
    #: chord depends on is always read so. The default is False, as in Celery's own DynamoDB backend.
    strong_reads: bool = False
    #: Whether keys are plain text rather than Python's bytes literals: for a fleet whose DynamoDB backend has ``key_t = str``.
    plain_keys: bool = False
    #: Paths of PEM files: authorities (default: the system's), and a client's certificate with its key.
    ssl_ca_certs: Optional[str] = None
    ssl_certfile: Optional[str] = None
    ssl_keyfile: Optional[str] = None
    #: Further options of the gRPC channel, which win over this package's own: a list of pairs of name and value.
    channel_options: tuple[tuple[str, Any], ...] = ()

    @property
    def target(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


_from_url = frozenset({"host", "port", "tls"})
_option_names = frozenset(each.name for each in fields(Settings)) - _from_url
#: What Celery itself reads from the same dictionary.
_options_of_celery = frozenset({"global_keyprefix"})


def read_settings(url: Optional[str], options: Mapping[str, Any]) -> Settings:
    """Takes the URL apart and checks the options. Raises ImproperlyConfigured, which never quotes a token."""
    known = {name: value for name, value in options.items() if name not in _options_of_celery}
    unknown = sorted(known.keys() - _option_names)
    if unknown:
        raise ImproperlyConfigured(
            f"result_backend_transport_options: unknown option {unknown[0]!r}; there are "
            f"{', '.join(sorted(_option_names | _options_of_celery))}"
        )
    for name in ("timeout", "retry_for"):
        _check_seconds(name, known.get(name, 1))
    for name in ("allow_insecure_token", "strong_reads", "plain_keys"):
        if not isinstance(known.get(name, False), bool):
            raise ImproperlyConfigured(f"{name} must be True or False")
    if "channel_options" in known:
        known["channel_options"] = tuple((str(name), value) for name, value in known["channel_options"])
    settings = Settings(**{**_read_url(url or "dynakv://"), **known})
    _check_token(settings)
    if (settings.ssl_certfile is None) != (settings.ssl_keyfile is None):
        raise ImproperlyConfigured("ssl_certfile and ssl_keyfile belong together: one of them is missing")
    if not settings.tls and (settings.ssl_ca_certs or settings.ssl_certfile):
        raise ImproperlyConfigured("ssl_ca_certs and ssl_certfile are for dynakvs://")
    return settings


def _read_url(url: str) -> dict[str, Any]:
    parts = urlsplit(url)
    if parts.scheme not in ("dynakv", "dynakvs"):
        raise ImproperlyConfigured(f"{parts.scheme}: the URL must begin with dynakv:// or dynakvs://")
    if parts.query or parts.fragment or parts.path not in ("", "/"):
        raise ImproperlyConfigured(
            "the URL has a host and a port alone, dynakv://host:50051; the server knows the table, and options stand in "
            "result_backend_transport_options"
        )
    try:
        port = parts.port
    except ValueError:
        raise ImproperlyConfigured("the port of the URL must be a number from 1 to 65535") from None
    if parts.username:
        raise ImproperlyConfigured("dynakv has tokens and no users: dynakvs://:token@host")
    found: dict[str, Any] = {
        "host": parts.hostname or "localhost",
        "port": default_port if port is None else port,
        "tls": parts.scheme == "dynakvs",
    }
    if parts.password:
        found["token"] = unquote(parts.password)
    return found


def _check_seconds(name: str, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < float("inf"):
        raise ImproperlyConfigured(f"{name} must be a number of seconds above 0")


def _check_token(settings: Settings) -> None:
    token = settings.token
    if token is None:
        return
    if isinstance(token, str):
        if not token or not token.isascii() or not token.isprintable() or " " in token:
            raise ImproperlyConfigured("the token must be printable ASCII without spaces")
    elif not callable(token):
        raise ImproperlyConfigured("token must be a string, or a function that returns one")
    if not settings.tls and not settings.allow_insecure_token and not _is_loopback(settings.host):
        raise ImproperlyConfigured(
            f"the token would be sent to {settings.host} unencrypted; use dynakvs://, or set allow_insecure_token"
        )


def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
