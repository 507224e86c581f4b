"""The gRPC channel of this process, and how a call waits in it: in a thread, or in a greenlet."""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path
from typing import Any, Callable, Generic, Optional, TypeVar

import grpc
from celery.exceptions import ImproperlyConfigured

from .fork_gate import fork_gate
from .settings import Settings

T = TypeVar("T")

_options: tuple[tuple[str, Any], ...] = (
    # A channel that is inherited shares its connections with a new one of the same address otherwise.
    ("grpc.use_local_subchannel_pool", 1),
    # A connection that is dead without a word is found within seconds while something waits for it.
    ("grpc.keepalive_time_ms", 10_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    ("grpc.http2.max_pings_without_data", 0),
    # gRPC would wait for up to two minutes between tries to connect; the server may be back long before.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 3_000),
    ("grpc.max_reconnect_backoff_ms", 2_000),
    # A name with several addresses is several replicas.
    ("grpc.service_config", '{"loadBalancingConfig":[{"round_robin":{}}]}'),
    ("grpc.max_receive_message_length", 64 * 1024 * 1024),
    # Streams are read by whoever waits for them, without a thread for each.
    ("SingleThreadedUnaryStream", 1),
)


class Channels(Generic[T]):
    """The channels of this process, one for each server, and what is made of each: its methods.

    A channel is made when it is first needed, after the fork and never before. Celery makes a backend for each thread; they share
    the channel. With eventlet each of the real threads that calls wait in has its own: gRPC's locks are eventlet's there, which
    are good within one thread alone.
    """

    def __init__(self, make: Callable[[Any], T]) -> None:
        self._make = make
        # Channels of the parent. To close them, or to let them be collected, is work for threads that are not here.
        self._inherited: list[Any] = []
        self._open: dict[tuple[Settings, int], tuple[Any, T]] = {}
        self._lock = threading.Lock()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._begin_anew)

    def get(self, settings: Settings) -> T:
        """To be called where the call is made: within ``wait_for``."""
        is_eventlet = greenlets() == "eventlet"
        key = (settings, threading.get_native_id() if is_eventlet else 0)
        found = self._open.get(key)
        if found is None and is_eventlet:
            found = self._open[key] = self._connect(settings)
        if found is None:
            with self._lock:
                found = self._open.get(key)
                if found is None:
                    found = self._open[key] = self._connect(settings)
        return found[1]

    def _connect(self, settings: Settings) -> tuple[Any, T]:
        channel = _open_channel(settings)
        return channel, self._make(channel)

    def _begin_anew(self) -> None:
        # A thread that is not here any more may have held the lock.
        self._lock = threading.Lock()
        self._inherited.extend(self._open.values())
        self._open = {}


def _open_channel(settings: Settings) -> Any:
    _prepare_greenlets()
    overridden = {name for name, _ in settings.channel_options}
    options = [each for each in _options if each[0] not in overridden] + list(settings.channel_options)
    if settings.tls:
        credentials = grpc.ssl_channel_credentials(
            root_certificates=_read(settings.ssl_ca_certs),
            private_key=_read(settings.ssl_keyfile),
            certificate_chain=_read(settings.ssl_certfile),
        )
        return grpc.secure_channel(settings.target, credentials, options=options)
    return grpc.insecure_channel(settings.target, options=options)


def _read(path: Optional[str]) -> Optional[bytes]:
    if path is None:
        return None
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise ImproperlyConfigured(f"{path}: {error.strerror}") from error


def greenlets() -> str:
    """``"gevent"`` or ``"eventlet"`` where it has patched the threads of this process, else ``""``."""
    monkey = sys.modules.get("gevent.monkey")
    if monkey is not None and monkey.is_module_patched("threading"):
        return "gevent"
    patcher = sys.modules.get("eventlet.patcher")
    if patcher is not None and patcher.is_monkey_patched("thread"):
        return "eventlet"
    return ""


_gevent_is_ready = False


def _prepare_greenlets() -> None:
    global _gevent_is_ready
    if greenlets() == "gevent" and not _gevent_is_ready:
        from grpc.experimental import gevent as grpc_gevent

        grpc_gevent.init_gevent()
        _gevent_is_ready = True


def wait_for(call: Callable[[], T]) -> T:
    """Runs a call that blocks, so that other greenlets run meanwhile where there are any."""
    kind = greenlets()
    if kind == "eventlet":
        # gRPC knows nothing of eventlet: the call waits in a real thread.
        from eventlet import tpool

        return tpool.execute(call)  # type: ignore[no-any-return]
    if kind == "gevent":
        return call()
    with fork_gate:
        return call()
