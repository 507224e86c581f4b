import datetime

from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import empty_pb2 as _empty_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class EntryKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ENTRY_KIND_UNSPECIFIED: _ClassVar[EntryKind]
    ENTRY_KIND_VALUE: _ClassVar[EntryKind]
    ENTRY_KIND_COUNTER: _ClassVar[EntryKind]

class Consistency(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CONSISTENCY_UNSPECIFIED: _ClassVar[Consistency]
    CONSISTENCY_EVENTUAL: _ClassVar[Consistency]
    CONSISTENCY_STRONG: _ClassVar[Consistency]
ENTRY_KIND_UNSPECIFIED: EntryKind
ENTRY_KIND_VALUE: EntryKind
ENTRY_KIND_COUNTER: EntryKind
CONSISTENCY_UNSPECIFIED: Consistency
CONSISTENCY_EVENTUAL: Consistency
CONSISTENCY_STRONG: Consistency

class Entry(_message.Message):
    __slots__ = ("value", "counter", "write_time", "expire_time", "etag", "kind", "value_bytes")
    VALUE_FIELD_NUMBER: _ClassVar[int]
    COUNTER_FIELD_NUMBER: _ClassVar[int]
    WRITE_TIME_FIELD_NUMBER: _ClassVar[int]
    EXPIRE_TIME_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    VALUE_BYTES_FIELD_NUMBER: _ClassVar[int]
    value: bytes
    counter: int
    write_time: _timestamp_pb2.Timestamp
    expire_time: _timestamp_pb2.Timestamp
    etag: str
    kind: EntryKind
    value_bytes: int
    def __init__(self, value: _Optional[bytes] = ..., counter: _Optional[int] = ..., write_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., expire_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., etag: _Optional[str] = ..., kind: _Optional[_Union[EntryKind, str]] = ..., value_bytes: _Optional[int] = ...) -> None: ...

class Expiry(_message.Message):
    __slots__ = ("after", "at", "never", "keep", "server_default")
    AFTER_FIELD_NUMBER: _ClassVar[int]
    AT_FIELD_NUMBER: _ClassVar[int]
    NEVER_FIELD_NUMBER: _ClassVar[int]
    KEEP_FIELD_NUMBER: _ClassVar[int]
    SERVER_DEFAULT_FIELD_NUMBER: _ClassVar[int]
    after: _duration_pb2.Duration
    at: _timestamp_pb2.Timestamp
    never: _empty_pb2.Empty
    keep: _empty_pb2.Empty
    server_default: _empty_pb2.Empty
    def __init__(self, after: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., never: _Optional[_Union[_empty_pb2.Empty, _Mapping]] = ..., keep: _Optional[_Union[_empty_pb2.Empty, _Mapping]] = ..., server_default: _Optional[_Union[_empty_pb2.Empty, _Mapping]] = ...) -> None: ...

class Condition(_message.Message):
    __slots__ = ("if_absent", "if_present", "if_etag")
    IF_ABSENT_FIELD_NUMBER: _ClassVar[int]
    IF_PRESENT_FIELD_NUMBER: _ClassVar[int]
    IF_ETAG_FIELD_NUMBER: _ClassVar[int]
    if_absent: _empty_pb2.Empty
    if_present: _empty_pb2.Empty
    if_etag: str
    def __init__(self, if_absent: _Optional[_Union[_empty_pb2.Empty, _Mapping]] = ..., if_present: _Optional[_Union[_empty_pb2.Empty, _Mapping]] = ..., if_etag: _Optional[str] = ...) -> None: ...
