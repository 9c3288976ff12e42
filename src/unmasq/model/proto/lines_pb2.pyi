from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Greeting(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Welcome(_message.Message):
    __slots__ = ("version", "namespace", "workload")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    WORKLOAD_FIELD_NUMBER: _ClassVar[int]
    version: str
    namespace: str
    workload: str
    def __init__(self, version: _Optional[str] = ..., namespace: _Optional[str] = ..., workload: _Optional[str] = ...) -> None: ...

class File(_message.Message):
    __slots__ = ("device", "inode", "fingerprint")
    DEVICE_FIELD_NUMBER: _ClassVar[int]
    INODE_FIELD_NUMBER: _ClassVar[int]
    FINGERPRINT_FIELD_NUMBER: _ClassVar[int]
    device: int
    inode: int
    fingerprint: str
    def __init__(self, device: _Optional[int] = ..., inode: _Optional[int] = ..., fingerprint: _Optional[str] = ...) -> None: ...

class Sent(_message.Message):
    __slots__ = ("begun", "piece")
    BEGUN_FIELD_NUMBER: _ClassVar[int]
    PIECE_FIELD_NUMBER: _ClassVar[int]
    begun: Begun
    piece: Piece
    def __init__(self, begun: _Optional[_Union[Begun, _Mapping]] = ..., piece: _Optional[_Union[Piece, _Mapping]] = ...) -> None: ...

class Begun(_message.Message):
    __slots__ = ("file", "offset")
    FILE_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    file: File
    offset: int
    def __init__(self, file: _Optional[_Union[File, _Mapping]] = ..., offset: _Optional[int] = ...) -> None: ...

class Piece(_message.Message):
    __slots__ = ("file", "path", "start", "data", "live", "skipped")
    FILE_FIELD_NUMBER: _ClassVar[int]
    PATH_FIELD_NUMBER: _ClassVar[int]
    START_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    LIVE_FIELD_NUMBER: _ClassVar[int]
    SKIPPED_FIELD_NUMBER: _ClassVar[int]
    file: File
    path: str
    start: int
    data: bytes
    live: bool
    skipped: int
    def __init__(self, file: _Optional[_Union[File, _Mapping]] = ..., path: _Optional[str] = ..., start: _Optional[int] = ..., data: _Optional[bytes] = ..., live: _Optional[bool] = ..., skipped: _Optional[int] = ...) -> None: ...

class Run(_message.Message):
    __slots__ = ("start", "end")
    START_FIELD_NUMBER: _ClassVar[int]
    END_FIELD_NUMBER: _ClassVar[int]
    start: int
    end: int
    def __init__(self, start: _Optional[int] = ..., end: _Optional[int] = ...) -> None: ...

class Runs(_message.Message):
    __slots__ = ("file", "runs")
    FILE_FIELD_NUMBER: _ClassVar[int]
    RUNS_FIELD_NUMBER: _ClassVar[int]
    file: File
    runs: _containers.RepeatedCompositeFieldContainer[Run]
    def __init__(self, file: _Optional[_Union[File, _Mapping]] = ..., runs: _Optional[_Iterable[_Union[Run, _Mapping]]] = ...) -> None: ...

class Kept(_message.Message):
    __slots__ = ("committed", "held")
    COMMITTED_FIELD_NUMBER: _ClassVar[int]
    HELD_FIELD_NUMBER: _ClassVar[int]
    committed: _containers.RepeatedCompositeFieldContainer[Runs]
    held: _containers.RepeatedCompositeFieldContainer[Runs]
    def __init__(self, committed: _Optional[_Iterable[_Union[Runs, _Mapping]]] = ..., held: _Optional[_Iterable[_Union[Runs, _Mapping]]] = ...) -> None: ...
