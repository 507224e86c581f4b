"""The result backend."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Callable, Optional, Union

from celery import states
from celery.backends.base import KeyValueStoreBackend
from celery.exceptions import BackendStoreError
from celery.utils.functional import LRUCache
from kombu.utils.encoding import bytes_to_str, ensure_bytes

from ._schema import entry_pb2
from .chords import Chords
from .client import Client, ConditionFailed
from .errors import DynakvError, DynakvUnavailable
from .keys import Key, key_text
from .settings import read_settings

_reads_strongly: ContextVar[bool] = ContextVar("celery_dynakv_reads_strongly", default=False)
#: How often a result is stored anew that others keep changing meanwhile.
_store_tries = 10
#: Seconds until a group raises the error of what comes before it, if none of its own results has failed until then.
_time_to_fail = 2.0
#: Tasks whose state this process has stored last, and may store again: as many as a process works on, and more.
_remembered_etags = 1_000


class DynakvBackend(KeyValueStoreBackend):
    """Stores results in dynakv, in the layout and under the keys of Celery's DynamoDB backend.

    Raises celery.exceptions.ImproperlyConfigured for a URL or an option that it cannot use. Calls raise
    :class:`~celery_dynakv.errors.DynakvUnavailable` when they have failed for ``retry_for`` seconds, and
    :class:`~celery_dynakv.errors.DynakvError` when repeating them does not help. A value that does not fit into an item is a
    ``BackendStoreError``.
    """

    implements_incr = True
    supports_native_join = True
    supports_autoexpire = True
    supports_result_compression = True
    supports_failure_expires = True

    def __init__(self, url: Optional[str] = None, **kwargs: Any) -> None:
        app = kwargs["app"]
        self.settings = read_settings(url, app.conf.get("result_backend_transport_options") or {})
        if self.settings.plain_keys:
            self.key_t = bytes_to_str
        kwargs.setdefault("expires_type", int)
        super().__init__(url=url, **kwargs)
        failure_expires = self.app.conf.get("result_failure_expires")
        self.failure_expires = (
            self.expires if failure_expires is None else self.prepare_expires(failure_expires, type=int)
        )
        self.client = Client(self.settings)
        self._chords = Chords(self)
        self._etags: Any = LRUCache(limit=_remembered_etags)

    # What Celery's base class asks of a store of keys and values.

    def get(self, key: Key) -> Optional[bytes]:
        return _bytes_of(self.client.get(key_text(key), self._strong))

    def mget(self, keys: Sequence[Key]) -> list[Optional[bytes]]:
        found = self.client.mget([key_text(each) for each in keys], self._strong)
        return [_bytes_of(each) for each in found]

    def set(self, key: Key, value: Union[bytes, str], expires: Optional[float] = None) -> None:
        self._put(key, value, expires)

    def delete(self, key: Key) -> None:
        self.client.delete(key_text(key))

    def incr(self, key: Key) -> int:
        return self.client.incr(key_text(key), expires=self.chord_expires or 0)

    def expire(self, key: Key, value: Optional[float]) -> None:
        self.client.touch(key_text(key), value or 0)

    def _set_with_state(self, key: Key, value: Union[bytes, str], state: str) -> None:
        self._put(key, value, self._expires_of(state))

    # Results of tasks.

    def _store_result(
        self,
        task_id: str,
        result: Any,
        state: str,
        traceback: Optional[str] = None,
        request: Any = None,
        **kwargs: Any,
    ) -> Any:
        """Stores a result unless a SUCCESS is there, which stays, as in Celery's other backends.

        Those read first. Here it is a condition of the write: nobody's SUCCESS is written over between the two, and where
        nothing is stored yet, which is what nearly every task finds, it is one request.
        """
        fresh = self._get_result_meta(result=result, state=state, traceback=traceback, request=request)
        fresh["task_id"] = bytes_to_str(task_id)
        key, value = self.get_key_for_task(task_id), self.encode(fresh)
        expires = self._expires_of(state, in_chord=bool(request is not None and getattr(request, "chord", None)))
        etag = self._etags.pop(task_id, None)
        try:
            for _ in range(_store_tries):
                try:
                    etag = self._put(key, value, expires, if_absent=etag is None, if_etag=etag)
                    break
                except ConditionFailed:
                    entry = self.client.get(key_text(key), strong=True)
                    stored = _bytes_of(entry)
                    if entry is None or stored is None:
                        etag = None
                        continue
                    meta: Any = self.decode(stored)
                    if stored == ensure_bytes(value) or meta["status"] == states.SUCCESS:
                        # It is there already: the answer to an earlier try was lost, or the task has run twice.
                        return result
                    etag = entry.etag
            else:
                raise DynakvUnavailable(f"the result of {task_id} kept changing while it was to be stored")
        except BackendStoreError as error:
            raise BackendStoreError(str(error), state=state, task_id=task_id) from error
        if state not in states.READY_STATES:
            self._etags[task_id] = etag
        return result

    def _put(
        self,
        key: Key,
        value: Union[bytes, str],
        expires: Optional[float],
        if_absent: bool = False,
        if_etag: Optional[str] = None,
    ) -> str:
        expires = self.expires if expires is None else expires
        try:
            return self.client.set(key_text(key), ensure_bytes(value), expires or 0, if_absent, if_etag)
        except DynakvError as error:
            if error.reason == "VALUE_TOO_LARGE":
                raise BackendStoreError(f"the value is too large for one item of DynamoDB: {error}") from error
            raise

    def _expires_of(self, state: str, in_chord: bool = False) -> float:
        expires = self.failure_expires if state == states.FAILURE else self.expires
        return self._in_chord(expires) if in_chord else expires or 0

    def _in_chord(self, expires: Optional[float]) -> float:
        """What a chord still needs lives as long as the chord may take, and never shorter than without. 0: for ever."""
        chord_expires = self.chord_expires
        return max(chord_expires, expires) if chord_expires and expires else 0

    # Waiting for results.

    def wait_for(
        self,
        task_id: str,
        timeout: Optional[float] = None,
        interval: float = 0.5,
        no_ack: bool = True,
        on_interval: Optional[Callable[..., Any]] = None,
    ) -> Any:
        """Has the caller look once more at what comes before a task that has failed, which is where the failure may come from.

        Both are stored within milliseconds, and between two looks either may be seen first. As with Redis, the first error is raised,
        not the ChordError that came of it.
        """
        meta: Any = super().wait_for(task_id, timeout, interval, no_ack, on_interval)
        if on_interval is not None and meta["status"] in states.PROPAGATE_STATES:
            on_interval()
        return meta

    def iter_native(
        self,
        result: Any,
        timeout: Optional[float] = None,
        interval: float = 0.5,
        no_ack: bool = True,
        on_message: Optional[Callable[..., Any]] = None,
        on_interval: Optional[Callable[..., Any]] = None,
    ) -> Any:
        """Raises the error of a task that the group comes after in a chain: its results may never come.

        ``join`` does so for each result, ``join_native`` does not. Mostly Celery marks what comes after a failure as failed, one after
        the other; there is time for that, so that whoever catches the error finds the group's results failed.
        """
        before = _parents(result)
        failed_at = math.inf

        def check() -> None:
            nonlocal failed_at
            try:
                for each in before:
                    each.maybe_throw()
            except DynakvError:
                raise
            except Exception:  # whatever a task has raised
                failed_at = min(failed_at, time.monotonic())
                if time.monotonic() - failed_at >= _time_to_fail:
                    raise
            if on_interval is not None:
                on_interval()

        return super().iter_native(result, timeout, interval, no_ack, on_message, check if before else on_interval)

    # Groups and chords.

    def _restore_group(self, group_id: str) -> Any:
        # A group is saved once and then relied on: an old answer would be that there is none.
        with self.reading_strongly():
            return super()._restore_group(group_id)

    def _apply_chord_incr(self, header_result_args: Any, body: Any, **kwargs: Any) -> None:
        self.ensure_chords_allowed()
        self._ensure_retryable(self._chords.prepare, self.app.GroupResult(*header_result_args), body)

    def on_chord_part_return(self, request: Any, state: str, result: Any, **kwargs: Any) -> None:
        self._ensure_retryable(self._chords.part_returned, request)

    # Errors and processes.

    def _ensure_retryable(self, func: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Keeps a worker from acknowledging a task of a chord that may not have counted.

        When a process of its pool is lost, the worker asks whether the task's SUCCESS was stored, and takes the task for done then.
        It may not have counted yet, or not have sent the callback. An error has the worker go on as for any lost task. Only that
        question comes with a number of retries.
        """
        returned = super()._ensure_retryable(func, *args, **kwargs)
        if kwargs.get("max_retries") is not None and func == self._get_task_meta_for:
            group_id = returned.get("group_id")
            if group_id and self._chords.is_open(group_id):
                raise DynakvError(f"the chord {group_id} of a task whose process was lost has not ended")
        return returned

    def exception_safe_to_retry(self, exc: BaseException) -> Any:
        return isinstance(exc, DynakvUnavailable)

    @property
    def _strong(self) -> bool:
        return self.settings.strong_reads or _reads_strongly.get()

    @contextmanager
    def reading_strongly(self) -> Iterator[None]:
        """Within it, reads of this thread or greenlet see every write that was acknowledged before."""
        token = _reads_strongly.set(True)
        try:
            yield
        finally:
            _reads_strongly.reset(token)

    def __reduce__(self, args: tuple[Any, ...] = (), kwargs: Optional[dict[str, Any]] = None) -> Any:
        return super().__reduce__(args, {**(kwargs or {}), "expires": self.expires, "url": self.url})


def _parents(result: Any) -> list[Any]:
    """All that comes before a group, or before its parts, in a chain."""
    found: dict[str, Any] = {}
    for each in (result, *result.results):
        parent = each.parent
        while parent is not None and parent.id not in found:
            found[parent.id] = parent
            parent = parent.parent
    return list(found.values())


def _bytes_of(entry: Optional[entry_pb2.Entry]) -> Optional[bytes]:
    if entry is None:
        return None
    kind = entry.WhichOneof("data")
    return str(entry.counter).encode() if kind == "counter" else entry.value
