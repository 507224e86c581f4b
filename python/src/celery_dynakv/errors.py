"""What a failed call raises, and what the server says about a failure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Optional

import grpc
from google.protobuf.message import DecodeError

from ._schema import error_pb2, rpc_status_pb2

#: What is tried again where no server has said whether that helps: the call did not reach one, or its answer was lost.
#: Proxies and broken streams end calls with INTERNAL and UNKNOWN as well. Nothing here does harm when it is repeated.
_transient_codes = frozenset(
    {
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.DEADLINE_EXCEEDED,
        grpc.StatusCode.CANCELLED,
        grpc.StatusCode.ABORTED,
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        grpc.StatusCode.INTERNAL,
        grpc.StatusCode.UNKNOWN,
    }
)


class DynakvError(Exception):
    """A call to dynakv failed, and repeating it as it is does not help.

    ``code`` is the gRPC status code by name (``"PERMISSION_DENIED"``), ``reason`` dynakv's by name (``"WRONG_KIND"``; empty
    when no server gave one), ``outcome`` what a write has done: ``"NOT_APPLIED"``, ``"APPLIED"`` or ``"UNKNOWN"``; empty for a
    read.
    """

    def __init__(self, message: str, code: str = "", reason: str = "", outcome: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.outcome = outcome

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (str(self), self.code, self.reason, self.outcome)


class DynakvUnavailable(DynakvError, ConnectionError):
    """A call failed for longer than ``retry_for``, for a reason that passes: no server, an outage, throttling.

    With ``result_backend_always_retry`` Celery goes on trying.
    """


@dataclass(frozen=True)
class Failure:
    """What is known of one failed try."""

    code: str
    message: str
    reason: str = ""
    outcome: str = ""
    may_repeat: bool = False
    #: Seconds that the server asks to wait.
    wait: float = 0.0
    current_etag: str = ""
    #: The server's clock in seconds, where it has refused a request id for its time.
    server_time: Optional[float] = None

    def to_exception(self, method: str) -> DynakvError:
        kind = DynakvUnavailable if self.may_repeat else DynakvError
        name = self.reason or self.code
        return kind(f"{method}: {name}: {self.message}", self.code, self.reason, self.outcome)


def describe_rpc_error(error: grpc.RpcError) -> Failure:
    """Reads the status, and the details that dynakv attaches to it."""
    code: grpc.StatusCode = error.code()
    wait = 0.0
    detail: Optional[error_pb2.ErrorDetail] = None
    for each in _details_of(error):
        # Messages are told apart by the last part of their type, for their packages have other names here.
        name = each.type_url.rpartition(".")[2]
        if name == "ErrorDetail":
            detail = error_pb2.ErrorDetail.FromString(each.value)
        elif name == "RetryInfo":
            wait = rpc_status_pb2.RetryInfo.FromString(each.value).retry_delay.ToNanoseconds() / 1e9
    message = error.details() or ""
    if detail is None:
        return Failure(code.name, message, may_repeat=code in _transient_codes, wait=wait)
    return describe_detail(code.name, message, detail, wait)


def describe_detail(code: str, message: str, detail: error_pb2.ErrorDetail, wait: float) -> Failure:
    """What the server says. Every write of this backend may be repeated, so an unknown outcome is no reason not to."""
    outcome = _short_name(error_pb2.Outcome, detail.outcome, "OUTCOME_")
    return Failure(
        code,
        message,
        reason=_short_name(error_pb2.ErrorReason, detail.reason, "ERROR_REASON_"),
        outcome=outcome,
        may_repeat=detail.retryable or outcome in ("UNKNOWN", "APPLIED"),
        wait=wait,
        current_etag=detail.current_etag,
        server_time=detail.server_time.ToNanoseconds() / 1e9 if detail.HasField("server_time") else None,
    )


def _short_name(enum: Any, number: int, prefix: str) -> str:
    """The name of an enum's value without its prefix: empty for zero, the number for one of a newer server."""
    if number == 0:
        return ""
    try:
        return str(enum.Name(number)).removeprefix(prefix)
    except ValueError:
        return str(number)


def _details_of(error: grpc.RpcError) -> list[Any]:
    metadata: Any = error.trailing_metadata() or ()
    for key, value in metadata:
        if key == "grpc-status-details-bin":
            try:
                return list(rpc_status_pb2.Status.FromString(value).details)
            except DecodeError:
                return []
    return []
