"""The calls of dynakv that the backend makes, each repeated until it is answered or its time is up."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Sequence
from typing import Any, Callable, Optional, Union

import grpc

from ._schema import entry_pb2
from ._schema import key_value_service_pb2 as kv
from .channel import Channels, wait_for
from .errors import DynakvError, Failure, describe_detail, describe_rpc_error
from .request_id import RequestIds
from .settings import Settings

#: Keys of one MGet: a request of some 700 KB with Celery's keys.
_keys_per_mget = 10_000
_first_pause = 0.025
_longest_pause = 1.0
_codes = {code.value[0]: code.name for code in grpc.StatusCode}

#: Seconds until an entry is gone; 0 for never.
Expiry = float


class Client:
    """Unary calls raise DynakvError; DynakvUnavailable where it might have helped to go on."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._request_ids = RequestIds()

    def get(self, key: str, strong: bool = False) -> Optional[entry_pb2.Entry]:
        answer = self._call("Get", kv.GetRequest(key=key, consistency=_consistency(strong)))
        return answer.entry if answer.HasField("entry") else None

    def mget(self, keys: Sequence[str], strong: bool = False) -> list[Optional[entry_pb2.Entry]]:
        """What each of the keys holds, in their order."""
        found: list[Optional[entry_pb2.Entry]] = [None] * len(keys)
        for start in range(0, len(keys), _keys_per_mget):
            self._mget(keys, range(start, min(start + _keys_per_mget, len(keys))), strong, found)
        return found

    def set(
        self,
        key: str,
        value: bytes,
        expires: Expiry = 0,
        if_absent: bool = False,
        if_etag: Optional[str] = None,
    ) -> str:
        """Stores a value and returns its etag. Raises ConditionFailed."""
        request = kv.SetRequest(key=key, value=value, expiry=_expiry(expires), condition=_condition(if_absent, if_etag))
        return str(self._call("Set", request).etag)

    def delete(self, key: str, if_etag: Optional[str] = None) -> bool:
        """Removes a key and says whether it was there. Raises ConditionFailed."""
        return bool(self._call("Delete", kv.DeleteRequest(key=key, condition=_condition(False, if_etag))).existed)

    def touch(self, key: str, expires: Expiry, if_etag: Optional[str] = None) -> str:
        """Changes when an entry expires, and returns its new etag: empty where there is none. Raises ConditionFailed."""
        request = kv.TouchRequest(key=key, expiry=_expiry(expires), condition=_condition(False, if_etag))
        return str(self._call("Touch", request).etag)

    def incr(self, key: str, delta: int = 1, expires: Optional[Expiry] = None) -> int:
        """Adds to a counter, once, and makes it where there is none. ``expires`` unset leaves its expiry as it is."""
        request = kv.IncrRequest(key=key, delta=delta)
        if expires is not None:
            request.expiry.CopyFrom(_expiry(expires))
        return int(self._incr(request).value)

    def count(self, key: str, member: Optional[str]) -> Optional[kv.IncrResponse]:
        """Adds 1 to a counter that is there, for each member once, and returns None where there is no counter.

        Without a member each call counts. Raises DynakvError with the reason MEMBERS_FULL.
        """
        # A counter that is not there would begin far below its lowest value, which is refused: nothing is made.
        request = kv.IncrRequest(key=key, initial=-(2**62), min=1, member=member)
        try:
            answer: kv.IncrResponse = self._call("Incr", request) if member is not None else self._incr(request)
            return answer
        except DynakvError as error:
            if error.reason == "OUT_OF_BOUNDS":
                return None
            raise

    def _incr(self, request: kv.IncrRequest) -> Any:
        """An increment with an id, under which it is repeated."""
        request.request_id = self._request_ids.fresh()

        def renew(failure: Failure) -> bool:
            if failure.server_time is None:
                return False
            self._request_ids.follow(failure.server_time)
            request.request_id = self._request_ids.fresh()
            return True

        return self._call("Incr", request, renew)

    def _call(self, method: str, request: Any, renew: Optional[Callable[[Failure], bool]] = None) -> Any:
        tries = _Tries(self._settings)
        while True:
            try:
                timeout, metadata = tries.timeout(), self._metadata()
                return wait_for(
                    lambda: methods.get(self._settings)[method](request, timeout=timeout, metadata=metadata)
                )
            except grpc.RpcError as error:
                failure = describe_rpc_error(error)
                if renew is not None and tries.count == 0 and renew(failure):
                    tries.count += 1
                    continue
                tries.pause_after(failure, method, error)

    def _mget(
        self, keys: Sequence[str], positions: Sequence[int], strong: bool, found: list[Optional[entry_pb2.Entry]]
    ) -> None:
        tries = _Tries(self._settings)
        while positions:
            request = kv.MGetRequest(keys=[keys[each] for each in positions], consistency=_consistency(strong))
            metadata = self._metadata()
            answered: set[int] = set()
            failures: list[Failure] = []
            cause: Optional[BaseException] = None

            def read_all() -> None:
                # A long answer takes its time; a connection that is dead is found by its pings.
                stream = methods.get(self._settings)["MGet"](request, timeout=self._settings.retry_for, metadata=metadata)
                for message in stream:
                    failures.extend(_take(message.results, positions, found, answered))

            try:
                wait_for(read_all)
            except grpc.RpcError as error:
                failures.append(describe_rpc_error(error))
                cause = error
            # One that no repetition mends decides, if there is any.
            failure = min(failures, key=lambda each: each.may_repeat, default=None)
            if failure is None and len(answered) < len(positions):
                failure = Failure("INTERNAL", "the stream ended early", may_repeat=True)
            if failure is None:
                return
            if answered:
                tries = _Tries(self._settings)
            tries.pause_after(failure, "MGet", cause)
            positions = [each for index, each in enumerate(positions) if index not in answered]

    def _metadata(self) -> Union[tuple[tuple[str, str], ...], None]:
        token = self._settings.token
        if token is None:
            return None
        return (("authorization", f"Bearer {token() if callable(token) else token}"),)


class ConditionFailed(DynakvError):
    """The key holds something else than the write was to depend on. Nothing was changed by this try."""


class _Tries:
    """When to try a call again, and when to give up."""

    def __init__(self, settings: Settings) -> None:
        self._timeout = settings.timeout
        self._end = time.monotonic() + settings.retry_for
        self.count = 0

    def timeout(self) -> float:
        return max(0.001, min(self._timeout, self._end - time.monotonic()))

    def pause_after(self, failure: Failure, method: str, cause: Optional[BaseException]) -> None:
        """Waits until the next try. Raises when there is none."""
        if failure.reason in ("ALREADY_EXISTS", "NOT_PRESENT", "ETAG_MISMATCH"):
            raise ConditionFailed(failure.message, failure.code, failure.reason, failure.outcome) from cause
        pause = max(failure.wait, random.uniform(0, min(_longest_pause, _first_pause * 2 ** min(self.count, 10))))
        if not failure.may_repeat or time.monotonic() + pause >= self._end:
            raise failure.to_exception(method) from cause
        self.count += 1
        time.sleep(pause)


def _methods_of(channel: Any) -> dict[str, Any]:
    service = "/dynakv.v1.KeyValueService/"

    def unary(path: str, request: Any, answer: Any) -> Any:
        return channel.unary_unary(
            path, request_serializer=request.SerializeToString, response_deserializer=answer.FromString
        )

    return {
        "Get": unary(f"{service}Get", kv.GetRequest, kv.GetResponse),
        "Set": unary(f"{service}Set", kv.SetRequest, kv.SetResponse),
        "Delete": unary(f"{service}Delete", kv.DeleteRequest, kv.DeleteResponse),
        "Touch": unary(f"{service}Touch", kv.TouchRequest, kv.TouchResponse),
        "Incr": unary(f"{service}Incr", kv.IncrRequest, kv.IncrResponse),
        "MGet": channel.unary_stream(
            f"{service}MGet",
            request_serializer=kv.MGetRequest.SerializeToString,
            response_deserializer=kv.MGetResponse.FromString,
        ),
    }


methods = Channels(_methods_of)


def _take(
    results: Sequence[kv.MGetResult],
    positions: Sequence[int],
    found: list[Optional[entry_pb2.Entry]],
    answered: set[int],
) -> list[Failure]:
    """Keeps results, and returns why others could not be read."""
    failures: list[Failure] = []
    for result in results:
        kind = result.WhichOneof("result")
        if kind == "error":
            error = result.error
            wait = error.retry_delay.ToNanoseconds() / 1e9
            code = _codes.get(error.code, str(error.code))
            failures.append(describe_detail(code, f"{result.key}: {error.message}", error.detail, wait))
            continue
        answered.add(result.index)
        if kind == "entry":
            found[positions[result.index]] = result.entry
    return failures


def _consistency(strong: bool) -> entry_pb2.Consistency:
    return entry_pb2.CONSISTENCY_STRONG if strong else entry_pb2.CONSISTENCY_EVENTUAL


def _expiry(seconds: Expiry) -> entry_pb2.Expiry:
    expiry = entry_pb2.Expiry()
    if seconds > 0:
        expiry.after.FromNanoseconds(math.ceil(seconds * 1e9))
    else:
        expiry.never.SetInParent()
    return expiry


def _condition(if_absent: bool, if_etag: Optional[str]) -> Optional[entry_pb2.Condition]:
    if if_etag is not None:
        return entry_pb2.Condition(if_etag=if_etag)
    if if_absent:
        condition = entry_pb2.Condition()
        condition.if_absent.SetInParent()
        return condition
    return None
