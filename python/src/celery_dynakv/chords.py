"""Chords: counting the tasks of a header, each once, and sending the callback once.

A chord is a counter beside the saved group, under the keys of Celery's DynamoDB backend, so that its workers may count in it too.
Each task counts as a *member* of the counter: one that is delivered again, or whose worker was killed just after it counted, adds
nothing. Whoever sees the counter full claims the right to send the callback, for a while, by an item that only one can create.
The group is deleted when the callback has been sent, and is thereby the mark that it still has to be.
"""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Optional
from uuid import uuid4

from celery import maybe_signature, states
from celery.exceptions import ChordError, TimeoutError
from celery.result import GroupResult
from celery.utils.log import get_logger

from .client import ConditionFailed
from .errors import DynakvError
from .keys import key_text

if TYPE_CHECKING:
    from .backend import DynakvBackend

logger = get_logger(__name__)

#: How many members a counter of dynakv's can tell apart (Limits.max_counter_members).
max_members = 4_096
#: The longest member in bytes.
_longest_member = 128
#: Seconds for which one worker may send the callback before another may, beside the time for joining the results.
_lease = 30.0
_pause = 0.5


@dataclass(frozen=True)
class Part:
    """A task of a header that has ended, and what its counter said."""

    group_id: str
    request: Any
    size: int
    count: int
    #: Whether the task has counted before, so that another worker may be sending the callback, or have sent it.
    is_repeated: bool
    #: Whether the counter tells tasks apart; otherwise one that ran twice has counted twice.
    is_exact: bool


@dataclass(frozen=True)
class Claim:
    key: str
    etag: str
    until: float
    #: Whether another worker held it before, and may have sent the callback.
    is_inherited: bool


class Chords:
    def __init__(self, backend: DynakvBackend) -> None:
        self._backend = backend

    def prepare(self, header: Any, body: Any) -> None:
        """Saves the group and makes the counter, before the header is sent."""
        backend = self._backend
        # Each task of the header brings it along, and none has to read the group to learn it.
        body["chord_size"] = count_leaves(header)
        saved = backend.encode({"result": header.as_tuple()})
        backend._put(backend.get_key_for_group(header.id), saved, backend._in_chord(backend.expires))
        # Not a Set: where this is repeated, or a task has been quicker than the answer to it, what was counted stays.
        backend.client.incr(self._counter(header.id), 0, expires=backend.chord_expires or 0)

    def part_returned(self, request: Any) -> None:
        """Counts a task that has ended, and sends the callback after the last one."""
        if not request.group or not request.id:
            return
        part = self._count(request)
        if part is None:
            return
        if part.count == part.size or (part.count > part.size and (part.is_repeated or not part.is_exact)):
            self._finish(part)
        elif part.count > part.size:
            logger.warning("Chord counter incremented too many times for %r", part.group_id)

    def is_open(self, group_id: str) -> bool:
        """Whether a group is the header of a chord whose callback may still have to be sent."""
        return self._backend.client.get(self._counter(group_id), strong=True) is not None

    def _count(self, request: Any) -> Optional[Part]:
        group_id = request.group
        size = (request.chord or {}).get("chord_size")
        if size is None:
            # Celery's own backends do not say it.
            group = self._group(group_id)
            size = None if group is None else len(group)
        key = self._counter(group_id)
        member = member_of(request) if size is None or size <= max_members else None
        try:
            counted = self._backend.client.count(key, member)
        except DynakvError as error:
            if error.reason != "MEMBERS_FULL":
                raise
            member = None
            counted = self._backend.client.count(key, None)
        if counted is None:
            logger.warning("Chord %r has ended already: task %r has run once more", group_id, request.id)
            return None
        self._keep_alive(request, counted)
        if size is None:
            if not counted.replayed:
                self._fail(request, ChordError(f"GroupResult {group_id} no longer exists"))
            return None
        return Part(group_id, request, size, counted.value, counted.replayed, member is not None)

    def _keep_alive(self, request: Any, counted: Any) -> None:
        """Renews the expiry of what the chord needs, when half of it is over. Celery's own backends do so for every task."""
        backend = self._backend
        expires = backend.chord_expires
        if not expires:
            return
        if counted.HasField("expire_time") and counted.expire_time.seconds - time.time() > expires / 2:
            return
        backend.expire(backend.get_key_for_chord(request.group), expires)
        backend.expire(backend.get_key_for_group(request.group), backend._in_chord(backend.expires))

    def _finish(self, part: Part) -> None:
        """Sends the callback, unless another worker has."""
        backend = self._backend
        claim = self._claim(part.group_id)
        if claim is None:
            return
        callback = maybe_signature(part.request.chord, app=backend.app)
        may_be_sent = part.is_repeated or not part.is_exact or claim.is_inherited
        group = self._group(part.group_id)
        if group is None:
            # Deleted by whom has sent the callback; or, if nobody can have, lost.
            if not may_be_sent:
                self._fail(part.request, ChordError(f"GroupResult {part.group_id} no longer exists"))
            self._clear(part.group_id, claim)
            return
        if may_be_sent and self._has_begun(callback):
            self._clear(part.group_id, claim)
            return
        timeout = backend.app.conf.result_chord_join_timeout if part.is_exact else 0
        try:
            results = self._join(group, timeout)
        except TimeoutError as error:
            if not part.is_exact:
                # Tasks that ran twice have counted twice: those that are still to come will find the counter above the size.
                backend.client.delete(claim.key)
                return
            self._fail(part.request, ChordError(repr(error)), error)
        except ChordError as error:
            self._fail(part.request, error, error.__cause__)
        else:
            renewed = self._renew(claim)
            if renewed is None:
                logger.warning("Chord %r: another worker sends the callback, for this one took too long", part.group_id)
                return
            claim = renewed
            try:
                _publish(backend.app, callback, results)
            except Exception as error:  # whatever the broker's client raises
                self._fail(part.request, ChordError(f"Callback error: {error!r}"), error)
        self._clear(part.group_id, claim, group)

    def _claim(self, group_id: str) -> Optional[Claim]:
        """Waits for the right to send the callback. None: it was sent meanwhile."""
        client, key, token = self._backend.client, self._claim_key(group_id), uuid4().bytes
        lease = self._lease()
        is_inherited = False
        while True:
            until = time.monotonic() + lease
            try:
                return Claim(key, client.set(key, token, lease, if_absent=True), until, is_inherited)
            except ConditionFailed:
                entry = client.get(key, strong=True)
            if entry is not None and entry.value == token:
                # The answer to an earlier try was lost.
                return Claim(key, entry.etag, until, is_inherited)
            is_inherited = True
            if self._group(group_id) is None:
                return None
            time.sleep(_pause)

    def _renew(self, claim: Claim) -> Optional[Claim]:
        """The claim, with time to send the callback; None if it ran out and is another's."""
        lease = self._lease()
        if claim.until - time.monotonic() > lease / 2:
            return claim
        until = time.monotonic() + lease
        try:
            etag = self._backend.client.touch(claim.key, lease, if_etag=claim.etag)
        except ConditionFailed:
            return None
        return replace(claim, etag=etag, until=until) if etag else None

    def _lease(self) -> float:
        return _lease + (self._backend.app.conf.result_chord_join_timeout or 0)

    def _group(self, group_id: str) -> Any:
        """The saved group as the table has it now: that it is gone says that the callback was sent."""
        meta: Any = self._backend.get_group_meta(group_id, cache=False)
        return meta and meta["result"]

    def _clear(self, group_id: str, claim: Claim, group: Any = None) -> None:
        """Deletes what the chord was kept in: first the group, after which nobody sends the callback any more."""
        backend = self._backend
        try:
            backend.delete_group(group_id)
            backend.client.delete(self._counter(group_id))
            backend.client.delete(claim.key)
            if group is not None:
                self._restore_expiry(group)
        except DynakvError:
            # The callback is sent: to raise here would have it sent again. What is left expires.
            logger.exception("Chord %r has ended; what it was kept in was not deleted", group_id)

    def _restore_expiry(self, group: Any) -> None:
        """Gives the results of the header back the lifetime of others."""
        backend = self._backend
        if backend._in_chord(backend.expires) == (backend.expires or 0):
            return
        for each in leaves(group):
            backend.expire(backend.get_key_for_task(each.id), backend.expires)

    def _has_begun(self, callback: Any) -> bool:
        task_id = callback.options.get("task_id")
        if not task_id:
            return False
        with self._backend.reading_strongly():
            return bool(self._backend.get_task_meta(task_id, cache=False)["status"] != states.PENDING)

    def _join(self, group: Any, timeout: Optional[float]) -> list[Any]:
        """The results of the header, in its shape. Raises TimeoutError, or the ChordError for the first task that has failed.

        The group's own ``join_native`` takes each task once, however often it stands in the header, and raises for any of those
        that have failed.
        """
        backend = self._backend
        tasks = leaves(group)
        missing = list({each.id for each in tasks})
        metas: dict[str, Any] = {}
        end = None if timeout is None else time.monotonic() + timeout
        while True:
            with backend.reading_strongly():
                found = backend.mget([backend.get_key_for_task(each) for each in missing])
            for task_id, stored in zip(missing, found):
                meta: Any = backend.decode(stored)
                if meta is not None and meta["status"] in states.READY_STATES:
                    metas[task_id] = backend.meta_from_decoded(meta)
            missing = [each for each in missing if each not in metas]
            if not missing:
                break
            if end is not None and time.monotonic() >= end:
                raise TimeoutError(f"no result of {missing[0]} after {timeout} s, and of {len(missing) - 1} others")
            time.sleep(_pause if end is None else max(0.0, min(_pause, end - time.monotonic())))
        for each in tasks:
            if metas[each.id]["status"] in states.PROPAGATE_STATES:
                cause = metas[each.id]["result"]
                raise ChordError(f"Dependency {each.id} raised {cause!r}") from cause
        results: list[Any] = _in_shape(group, {task_id: meta["result"] for task_id, meta in metas.items()})
        return results

    def _fail(self, request: Any, error: ChordError, cause: Optional[BaseException] = None) -> None:
        logger.error("Chord %r raised: %r", request.group, error, exc_info=cause)
        error.__cause__ = cause
        callback = maybe_signature(request.chord, app=self._backend.app)
        try:
            raise error
        except ChordError as raised:
            self._backend.chord_error_from_stack(callback=callback, exc=raised)

    def _counter(self, group_id: str) -> str:
        return key_text(self._backend.get_key_for_chord(group_id))

    def _claim_key(self, group_id: str) -> str:
        return key_text(self._backend.get_key_for_chord(group_id, ".claim"))


def member_of(request: Any) -> str:
    """Who counts: the task by its place in the header, for two places may share one task's id."""
    index = getattr(request, "group_index", None)
    member = f"{'' if index is None else index}:{request.id}"
    if len(member.encode()) <= _longest_member:
        return member
    return hashlib.sha256(member.encode()).hexdigest()


def leaves(result: Any) -> list[Any]:
    """The tasks of a group, those of groups in it included."""
    if isinstance(result, GroupResult):
        children: Any = result.results
        return [leaf for each in children for leaf in leaves(each)]
    return [result]


def _in_shape(result: Any, results: dict[str, Any]) -> Any:
    if isinstance(result, GroupResult):
        children: Any = result.results
        return [_in_shape(each, results) for each in children]
    return results[result.id]


def count_leaves(result: Any) -> int:
    return len(leaves(result))


def _publish(app: Any, callback: Any, results: Any) -> None:
    app.amqp._retry_publish(callback.delay, results)
