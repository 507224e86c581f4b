import datetime

from celery_dynakv._schema import entry_pb2 as _entry_pb2
from celery_dynakv._schema import error_pb2 as _error_pb2
from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import empty_pb2 as _empty_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ResultOrder(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    RESULT_ORDER_UNSPECIFIED: _ClassVar[ResultOrder]
    RESULT_ORDER_ARRIVAL: _ClassVar[ResultOrder]
    RESULT_ORDER_REQUEST: _ClassVar[ResultOrder]
RESULT_ORDER_UNSPECIFIED: ResultOrder
RESULT_ORDER_ARRIVAL: ResultOrder
RESULT_ORDER_REQUEST: ResultOrder

class GetRequest(_message.Message):
    __slots__ = ("key", "consistency", "metadata_only")
    KEY_FIELD_NUMBER: _ClassVar[int]
    CONSISTENCY_FIELD_NUMBER: _ClassVar[int]
    METADATA_ONLY_FIELD_NUMBER: _ClassVar[int]
    key: str
    consistency: _entry_pb2.Consistency
    metadata_only: bool
    def __init__(self, key: _Optional[str] = ..., consistency: _Optional[_Union[_entry_pb2.Consistency, str]] = ..., metadata_only: bool = ...) -> None: ...

class GetResponse(_message.Message):
    __slots__ = ("entry",)
    ENTRY_FIELD_NUMBER: _ClassVar[int]
    entry: _entry_pb2.Entry
    def __init__(self, entry: _Optional[_Union[_entry_pb2.Entry, _Mapping]] = ...) -> None: ...

class SetRequest(_message.Message):
    __slots__ = ("key", "value", "expiry", "condition", "return_previous", "counter")
    KEY_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    EXPIRY_FIELD_NUMBER: _ClassVar[int]
    CONDITION_FIELD_NUMBER: _ClassVar[int]
    RETURN_PREVIOUS_FIELD_NUMBER: _ClassVar[int]
    COUNTER_FIELD_NUMBER: _ClassVar[int]
    key: str
    value: bytes
    expiry: _entry_pb2.Expiry
    condition: _entry_pb2.Condition
    return_previous: bool
    counter: int
    def __init__(self, key: _Optional[str] = ..., value: _Optional[bytes] = ..., expiry: _Optional[_Union[_entry_pb2.Expiry, _Mapping]] = ..., condition: _Optional[_Union[_entry_pb2.Condition, _Mapping]] = ..., return_previous: bool = ..., counter: _Optional[int] = ...) -> None: ...

class SetResponse(_message.Message):
    __slots__ = ("etag", "write_time", "expire_time", "previous")
    ETAG_FIELD_NUMBER: _ClassVar[int]
    WRITE_TIME_FIELD_NUMBER: _ClassVar[int]
    EXPIRE_TIME_FIELD_NUMBER: _ClassVar[int]
    PREVIOUS_FIELD_NUMBER: _ClassVar[int]
    etag: str
    write_time: _timestamp_pb2.Timestamp
    expire_time: _timestamp_pb2.Timestamp
    previous: _entry_pb2.Entry
    def __init__(self, etag: _Optional[str] = ..., write_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., expire_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., previous: _Optional[_Union[_entry_pb2.Entry, _Mapping]] = ...) -> None: ...

class MSetRequest(_message.Message):
    __slots__ = ("entries",)
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    entries: _containers.RepeatedCompositeFieldContainer[SetRequest]
    def __init__(self, entries: _Optional[_Iterable[_Union[SetRequest, _Mapping]]] = ...) -> None: ...

class MSetResponse(_message.Message):
    __slots__ = ("results",)
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    results: _containers.RepeatedCompositeFieldContainer[MSetResult]
    def __init__(self, results: _Optional[_Iterable[_Union[MSetResult, _Mapping]]] = ...) -> None: ...

class MSetResult(_message.Message):
    __slots__ = ("index", "key", "stored", "error")
    INDEX_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    STORED_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    index: int
    key: str
    stored: SetResponse
    error: _error_pb2.ResultError
    def __init__(self, index: _Optional[int] = ..., key: _Optional[str] = ..., stored: _Optional[_Union[SetResponse, _Mapping]] = ..., error: _Optional[_Union[_error_pb2.ResultError, _Mapping]] = ...) -> None: ...

class MGetRequest(_message.Message):
    __slots__ = ("keys", "consistency", "order", "metadata_only")
    KEYS_FIELD_NUMBER: _ClassVar[int]
    CONSISTENCY_FIELD_NUMBER: _ClassVar[int]
    ORDER_FIELD_NUMBER: _ClassVar[int]
    METADATA_ONLY_FIELD_NUMBER: _ClassVar[int]
    keys: _containers.RepeatedScalarFieldContainer[str]
    consistency: _entry_pb2.Consistency
    order: ResultOrder
    metadata_only: bool
    def __init__(self, keys: _Optional[_Iterable[str]] = ..., consistency: _Optional[_Union[_entry_pb2.Consistency, str]] = ..., order: _Optional[_Union[ResultOrder, str]] = ..., metadata_only: bool = ...) -> None: ...

class MGetResponse(_message.Message):
    __slots__ = ("results",)
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    results: _containers.RepeatedCompositeFieldContainer[MGetResult]
    def __init__(self, results: _Optional[_Iterable[_Union[MGetResult, _Mapping]]] = ...) -> None: ...

class MGetResult(_message.Message):
    __slots__ = ("index", "key", "entry", "missing", "error")
    INDEX_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    ENTRY_FIELD_NUMBER: _ClassVar[int]
    MISSING_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    index: int
    key: str
    entry: _entry_pb2.Entry
    missing: _empty_pb2.Empty
    error: _error_pb2.ResultError
    def __init__(self, index: _Optional[int] = ..., key: _Optional[str] = ..., entry: _Optional[_Union[_entry_pb2.Entry, _Mapping]] = ..., missing: _Optional[_Union[_empty_pb2.Empty, _Mapping]] = ..., error: _Optional[_Union[_error_pb2.ResultError, _Mapping]] = ...) -> None: ...

class ScanRequest(_message.Message):
    __slots__ = ("prefix", "cursor", "consistency", "keys_only")
    PREFIX_FIELD_NUMBER: _ClassVar[int]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    CONSISTENCY_FIELD_NUMBER: _ClassVar[int]
    KEYS_ONLY_FIELD_NUMBER: _ClassVar[int]
    prefix: str
    cursor: str
    consistency: _entry_pb2.Consistency
    keys_only: bool
    def __init__(self, prefix: _Optional[str] = ..., cursor: _Optional[str] = ..., consistency: _Optional[_Union[_entry_pb2.Consistency, str]] = ..., keys_only: bool = ...) -> None: ...

class ScanResponse(_message.Message):
    __slots__ = ("results", "cursor")
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    results: _containers.RepeatedCompositeFieldContainer[ScanResult]
    cursor: str
    def __init__(self, results: _Optional[_Iterable[_Union[ScanResult, _Mapping]]] = ..., cursor: _Optional[str] = ...) -> None: ...

class ScanResult(_message.Message):
    __slots__ = ("key", "entry", "error")
    KEY_FIELD_NUMBER: _ClassVar[int]
    ENTRY_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    key: str
    entry: _entry_pb2.Entry
    error: _error_pb2.ResultError
    def __init__(self, key: _Optional[str] = ..., entry: _Optional[_Union[_entry_pb2.Entry, _Mapping]] = ..., error: _Optional[_Union[_error_pb2.ResultError, _Mapping]] = ...) -> None: ...

class DeleteRequest(_message.Message):
    __slots__ = ("key", "condition", "return_entry", "request_id")
    KEY_FIELD_NUMBER: _ClassVar[int]
    CONDITION_FIELD_NUMBER: _ClassVar[int]
    RETURN_ENTRY_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    key: str
    condition: _entry_pb2.Condition
    return_entry: bool
    request_id: str
    def __init__(self, key: _Optional[str] = ..., condition: _Optional[_Union[_entry_pb2.Condition, _Mapping]] = ..., return_entry: bool = ..., request_id: _Optional[str] = ...) -> None: ...

class DeleteResponse(_message.Message):
    __slots__ = ("existed", "entry")
    EXISTED_FIELD_NUMBER: _ClassVar[int]
    ENTRY_FIELD_NUMBER: _ClassVar[int]
    existed: bool
    entry: _entry_pb2.Entry
    def __init__(self, existed: bool = ..., entry: _Optional[_Union[_entry_pb2.Entry, _Mapping]] = ...) -> None: ...

class MDeleteRequest(_message.Message):
    __slots__ = ("keys", "conditions", "return_entries", "request_ids")
    class ConditionsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: int
        value: _entry_pb2.Condition
        def __init__(self, key: _Optional[int] = ..., value: _Optional[_Union[_entry_pb2.Condition, _Mapping]] = ...) -> None: ...
    class RequestIdsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: int
        value: str
        def __init__(self, key: _Optional[int] = ..., value: _Optional[str] = ...) -> None: ...
    KEYS_FIELD_NUMBER: _ClassVar[int]
    CONDITIONS_FIELD_NUMBER: _ClassVar[int]
    RETURN_ENTRIES_FIELD_NUMBER: _ClassVar[int]
    REQUEST_IDS_FIELD_NUMBER: _ClassVar[int]
    keys: _containers.RepeatedScalarFieldContainer[str]
    conditions: _containers.MessageMap[int, _entry_pb2.Condition]
    return_entries: bool
    request_ids: _containers.ScalarMap[int, str]
    def __init__(self, keys: _Optional[_Iterable[str]] = ..., conditions: _Optional[_Mapping[int, _entry_pb2.Condition]] = ..., return_entries: bool = ..., request_ids: _Optional[_Mapping[int, str]] = ...) -> None: ...

class MDeleteResponse(_message.Message):
    __slots__ = ("results",)
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    results: _containers.RepeatedCompositeFieldContainer[MDeleteResult]
    def __init__(self, results: _Optional[_Iterable[_Union[MDeleteResult, _Mapping]]] = ...) -> None: ...

class MDeleteResult(_message.Message):
    __slots__ = ("index", "key", "deleted", "error")
    INDEX_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    DELETED_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    index: int
    key: str
    deleted: DeleteResponse
    error: _error_pb2.ResultError
    def __init__(self, index: _Optional[int] = ..., key: _Optional[str] = ..., deleted: _Optional[_Union[DeleteResponse, _Mapping]] = ..., error: _Optional[_Union[_error_pb2.ResultError, _Mapping]] = ...) -> None: ...

class IncrRequest(_message.Message):
    __slots__ = ("key", "delta", "request_id", "initial", "min", "max", "expiry", "member", "expiry_if_created")
    KEY_FIELD_NUMBER: _ClassVar[int]
    DELTA_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    INITIAL_FIELD_NUMBER: _ClassVar[int]
    MIN_FIELD_NUMBER: _ClassVar[int]
    MAX_FIELD_NUMBER: _ClassVar[int]
    EXPIRY_FIELD_NUMBER: _ClassVar[int]
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    EXPIRY_IF_CREATED_FIELD_NUMBER: _ClassVar[int]
    key: str
    delta: int
    request_id: str
    initial: int
    min: int
    max: int
    expiry: _entry_pb2.Expiry
    member: str
    expiry_if_created: _entry_pb2.Expiry
    def __init__(self, key: _Optional[str] = ..., delta: _Optional[int] = ..., request_id: _Optional[str] = ..., initial: _Optional[int] = ..., min: _Optional[int] = ..., max: _Optional[int] = ..., expiry: _Optional[_Union[_entry_pb2.Expiry, _Mapping]] = ..., member: _Optional[str] = ..., expiry_if_created: _Optional[_Union[_entry_pb2.Expiry, _Mapping]] = ...) -> None: ...

class IncrResponse(_message.Message):
    __slots__ = ("value", "etag", "expire_time", "replayed")
    VALUE_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    EXPIRE_TIME_FIELD_NUMBER: _ClassVar[int]
    REPLAYED_FIELD_NUMBER: _ClassVar[int]
    value: int
    etag: str
    expire_time: _timestamp_pb2.Timestamp
    replayed: bool
    def __init__(self, value: _Optional[int] = ..., etag: _Optional[str] = ..., expire_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., replayed: bool = ...) -> None: ...

class TouchRequest(_message.Message):
    __slots__ = ("key", "expiry", "condition", "return_entry", "if_remaining_below")
    KEY_FIELD_NUMBER: _ClassVar[int]
    EXPIRY_FIELD_NUMBER: _ClassVar[int]
    CONDITION_FIELD_NUMBER: _ClassVar[int]
    RETURN_ENTRY_FIELD_NUMBER: _ClassVar[int]
    IF_REMAINING_BELOW_FIELD_NUMBER: _ClassVar[int]
    key: str
    expiry: _entry_pb2.Expiry
    condition: _entry_pb2.Condition
    return_entry: bool
    if_remaining_below: _duration_pb2.Duration
    def __init__(self, key: _Optional[str] = ..., expiry: _Optional[_Union[_entry_pb2.Expiry, _Mapping]] = ..., condition: _Optional[_Union[_entry_pb2.Condition, _Mapping]] = ..., return_entry: bool = ..., if_remaining_below: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class TouchResponse(_message.Message):
    __slots__ = ("existed", "etag", "expire_time", "entry", "unchanged")
    EXISTED_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    EXPIRE_TIME_FIELD_NUMBER: _ClassVar[int]
    ENTRY_FIELD_NUMBER: _ClassVar[int]
    UNCHANGED_FIELD_NUMBER: _ClassVar[int]
    existed: bool
    etag: str
    expire_time: _timestamp_pb2.Timestamp
    entry: _entry_pb2.Entry
    unchanged: bool
    def __init__(self, existed: bool = ..., etag: _Optional[str] = ..., expire_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., entry: _Optional[_Union[_entry_pb2.Entry, _Mapping]] = ..., unchanged: bool = ...) -> None: ...
