"""Messages that a pod may send, well made or not, and the calls that send them."""

from typing import Any

import grpc

from unmasq.model.proto.felix_pb2 import DataplaneStats, HTTPData, Protocol, ReportResult, Statistic
from unmasq.model.proto.lines_pb2 import Kept

statistic: Any = Statistic
"""The type, for values that it does not have."""


def report(*named: tuple[str, str, int], value: int | None = None, **others: Any) -> DataplaneStats:
    """A report that names (X-Forwarded-For, X-Real-IP, requests)."""
    told: dict[str, Any] = {
        "src_ip": "198.51.100.9", "dst_ip": "10.244.1.10", "src_port": 40000, "dst_port": 80, "protocol": Protocol(name="tcp"),
        "stats": [statistic(relativity=1, kind=4, value=len(named) if value is None else value)],
        "http_data": [HTTPData(x_forwarded_for=forwarded, x_real_ip=real, count=count) for forwarded, real, count in named],
    }  # fmt: skip
    return DataplaneStats(**told | others)


def reporting(channel: grpc.Channel) -> Any:
    """The call of `Report`, for messages as bytes."""
    call: Any = channel.unary_unary("/felix.PolicySync/Report", response_deserializer=ReportResult.FromString)
    return call


def sending(channel: grpc.Channel) -> Any:
    """The call of `Send`, for messages as bytes."""
    call: Any = channel.stream_stream("/unmasq.v1.Lines/Send", response_deserializer=Kept.FromString)
    return call
