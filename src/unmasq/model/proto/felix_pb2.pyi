from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Action(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ALLOWED: _ClassVar[Action]
    DENIED: _ClassVar[Action]
ALLOWED: Action
DENIED: Action

class ReportResult(_message.Message):
    __slots__ = ("successful",)
    SUCCESSFUL_FIELD_NUMBER: _ClassVar[int]
    successful: bool
    def __init__(self, successful: _Optional[bool] = ...) -> None: ...

class DataplaneStats(_message.Message):
    __slots__ = ("src_ip", "dst_ip", "src_port", "dst_port", "protocol", "stats", "action", "http_data")
    SRC_IP_FIELD_NUMBER: _ClassVar[int]
    DST_IP_FIELD_NUMBER: _ClassVar[int]
    SRC_PORT_FIELD_NUMBER: _ClassVar[int]
    DST_PORT_FIELD_NUMBER: _ClassVar[int]
    PROTOCOL_FIELD_NUMBER: _ClassVar[int]
    STATS_FIELD_NUMBER: _ClassVar[int]
    ACTION_FIELD_NUMBER: _ClassVar[int]
    HTTP_DATA_FIELD_NUMBER: _ClassVar[int]
    src_ip: str
    dst_ip: str
    src_port: int
    dst_port: int
    protocol: Protocol
    stats: _containers.RepeatedCompositeFieldContainer[Statistic]
    action: Action
    http_data: _containers.RepeatedCompositeFieldContainer[HTTPData]
    def __init__(self, src_ip: _Optional[str] = ..., dst_ip: _Optional[str] = ..., src_port: _Optional[int] = ..., dst_port: _Optional[int] = ..., protocol: _Optional[_Union[Protocol, _Mapping]] = ..., stats: _Optional[_Iterable[_Union[Statistic, _Mapping]]] = ..., action: _Optional[_Union[Action, str]] = ..., http_data: _Optional[_Iterable[_Union[HTTPData, _Mapping]]] = ...) -> None: ...

class Protocol(_message.Message):
    __slots__ = ("number", "name")
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    number: int
    name: str
    def __init__(self, number: _Optional[int] = ..., name: _Optional[str] = ...) -> None: ...

class Statistic(_message.Message):
    __slots__ = ("direction", "relativity", "kind", "action", "value")
    class Direction(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        IN: _ClassVar[Statistic.Direction]
        OUT: _ClassVar[Statistic.Direction]
    IN: Statistic.Direction
    OUT: Statistic.Direction
    class Relativity(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        ABSOLUTE: _ClassVar[Statistic.Relativity]
        DELTA: _ClassVar[Statistic.Relativity]
    ABSOLUTE: Statistic.Relativity
    DELTA: Statistic.Relativity
    class Kind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        PACKETS: _ClassVar[Statistic.Kind]
        BYTES: _ClassVar[Statistic.Kind]
        HTTP_REQUESTS: _ClassVar[Statistic.Kind]
        HTTP_DATA: _ClassVar[Statistic.Kind]
        INGRESS_DATA: _ClassVar[Statistic.Kind]
    PACKETS: Statistic.Kind
    BYTES: Statistic.Kind
    HTTP_REQUESTS: Statistic.Kind
    HTTP_DATA: Statistic.Kind
    INGRESS_DATA: Statistic.Kind
    DIRECTION_FIELD_NUMBER: _ClassVar[int]
    RELATIVITY_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    ACTION_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    direction: Statistic.Direction
    relativity: Statistic.Relativity
    kind: Statistic.Kind
    action: Action
    value: int
    def __init__(self, direction: _Optional[_Union[Statistic.Direction, str]] = ..., relativity: _Optional[_Union[Statistic.Relativity, str]] = ..., kind: _Optional[_Union[Statistic.Kind, str]] = ..., action: _Optional[_Union[Action, str]] = ..., value: _Optional[int] = ...) -> None: ...

class HTTPData(_message.Message):
    __slots__ = ("x_forwarded_for", "x_real_ip", "count")
    X_FORWARDED_FOR_FIELD_NUMBER: _ClassVar[int]
    X_REAL_IP_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    x_forwarded_for: str
    x_real_ip: str
    count: int
    def __init__(self, x_forwarded_for: _Optional[str] = ..., x_real_ip: _Optional[str] = ..., count: _Optional[int] = ...) -> None: ...
