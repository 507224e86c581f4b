import datetime

from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class GetInfoRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetInfoResponse(_message.Message):
    __slots__ = ("version", "engine", "table", "limits", "features", "default_expiry")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    ENGINE_FIELD_NUMBER: _ClassVar[int]
    TABLE_FIELD_NUMBER: _ClassVar[int]
    LIMITS_FIELD_NUMBER: _ClassVar[int]
    FEATURES_FIELD_NUMBER: _ClassVar[int]
    DEFAULT_EXPIRY_FIELD_NUMBER: _ClassVar[int]
    version: str
    engine: str
    table: Table
    limits: Limits
    features: Features
    default_expiry: _duration_pb2.Duration
    def __init__(self, version: _Optional[str] = ..., engine: _Optional[str] = ..., table: _Optional[_Union[Table, _Mapping]] = ..., limits: _Optional[_Union[Limits, _Mapping]] = ..., features: _Optional[_Union[Features, _Mapping]] = ..., default_expiry: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class Table(_message.Message):
    __slots__ = ("name", "key_attribute", "value_attribute", "counter_attribute", "write_time_attribute", "expiry_attribute", "etag_attribute", "requests_attribute", "members_attribute", "exact_expiry_attribute")
    NAME_FIELD_NUMBER: _ClassVar[int]
    KEY_ATTRIBUTE_FIELD_NUMBER: _ClassVar[int]
    VALUE_ATTRIBUTE_FIELD_NUMBER: _ClassVar[int]
    COUNTER_ATTRIBUTE_FIELD_NUMBER: _ClassVar[int]
    WRITE_TIME_ATTRIBUTE_FIELD_NUMBER: _ClassVar[int]
    EXPIRY_ATTRIBUTE_FIELD_NUMBER: _ClassVar[int]
    ETAG_ATTRIBUTE_FIELD_NUMBER: _ClassVar[int]
    REQUESTS_ATTRIBUTE_FIELD_NUMBER: _ClassVar[int]
    MEMBERS_ATTRIBUTE_FIELD_NUMBER: _ClassVar[int]
    EXACT_EXPIRY_ATTRIBUTE_FIELD_NUMBER: _ClassVar[int]
    name: str
    key_attribute: str
    value_attribute: str
    counter_attribute: str
    write_time_attribute: str
    expiry_attribute: str
    etag_attribute: str
    requests_attribute: str
    members_attribute: str
    exact_expiry_attribute: str
    def __init__(self, name: _Optional[str] = ..., key_attribute: _Optional[str] = ..., value_attribute: _Optional[str] = ..., counter_attribute: _Optional[str] = ..., write_time_attribute: _Optional[str] = ..., expiry_attribute: _Optional[str] = ..., etag_attribute: _Optional[str] = ..., requests_attribute: _Optional[str] = ..., members_attribute: _Optional[str] = ..., exact_expiry_attribute: _Optional[str] = ...) -> None: ...

class Limits(_message.Message):
    __slots__ = ("max_key_bytes", "max_item_bytes", "max_request_bytes", "max_deadline", "default_deadline", "request_window", "max_request_writers", "max_counter_members", "max_keys")
    MAX_KEY_BYTES_FIELD_NUMBER: _ClassVar[int]
    MAX_ITEM_BYTES_FIELD_NUMBER: _ClassVar[int]
    MAX_REQUEST_BYTES_FIELD_NUMBER: _ClassVar[int]
    MAX_DEADLINE_FIELD_NUMBER: _ClassVar[int]
    DEFAULT_DEADLINE_FIELD_NUMBER: _ClassVar[int]
    REQUEST_WINDOW_FIELD_NUMBER: _ClassVar[int]
    MAX_REQUEST_WRITERS_FIELD_NUMBER: _ClassVar[int]
    MAX_COUNTER_MEMBERS_FIELD_NUMBER: _ClassVar[int]
    MAX_KEYS_FIELD_NUMBER: _ClassVar[int]
    max_key_bytes: int
    max_item_bytes: int
    max_request_bytes: int
    max_deadline: _duration_pb2.Duration
    default_deadline: _duration_pb2.Duration
    request_window: _duration_pb2.Duration
    max_request_writers: int
    max_counter_members: int
    max_keys: int
    def __init__(self, max_key_bytes: _Optional[int] = ..., max_item_bytes: _Optional[int] = ..., max_request_bytes: _Optional[int] = ..., max_deadline: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., default_deadline: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., request_window: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., max_request_writers: _Optional[int] = ..., max_counter_members: _Optional[int] = ..., max_keys: _Optional[int] = ...) -> None: ...

class Features(_message.Message):
    __slots__ = ("auto_expiry", "atomic_counters", "returned_entries", "sliding_expiry", "exact_expiry", "many_writes", "set_counter", "metadata_reads")
    AUTO_EXPIRY_FIELD_NUMBER: _ClassVar[int]
    ATOMIC_COUNTERS_FIELD_NUMBER: _ClassVar[int]
    RETURNED_ENTRIES_FIELD_NUMBER: _ClassVar[int]
    SLIDING_EXPIRY_FIELD_NUMBER: _ClassVar[int]
    EXACT_EXPIRY_FIELD_NUMBER: _ClassVar[int]
    MANY_WRITES_FIELD_NUMBER: _ClassVar[int]
    SET_COUNTER_FIELD_NUMBER: _ClassVar[int]
    METADATA_READS_FIELD_NUMBER: _ClassVar[int]
    auto_expiry: bool
    atomic_counters: bool
    returned_entries: bool
    sliding_expiry: bool
    exact_expiry: bool
    many_writes: bool
    set_counter: bool
    metadata_reads: bool
    def __init__(self, auto_expiry: bool = ..., atomic_counters: bool = ..., returned_entries: bool = ..., sliding_expiry: bool = ..., exact_expiry: bool = ..., many_writes: bool = ..., set_counter: bool = ..., metadata_reads: bool = ...) -> None: ...
