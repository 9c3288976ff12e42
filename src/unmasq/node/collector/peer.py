"""Who listens on a socket: our own node, or somebody who knows only reports, as Felix does."""

from typing import Any, Literal, NamedTuple

import grpc

from unmasq.model.proto.lines_pb2 import Greeting, Welcome
from unmasq.node.collector.trouble import trouble

METHOD = "/unmasq.v1.Lines/Greet"
_DEADLINE_SECONDS = 3.0


class Peer(NamedTuple):
    """What it understands; version and pod (`NAMESPACE/POD`) where it says them."""

    speaks: Literal["lines", "reports"]
    version: str = ""
    pod: str = ""


def peer_of(target: str) -> Peer:
    """Ask whoever listens on the socket at the path `target`, without disturbing a collector. Raises Unreachable."""
    with grpc.insecure_channel(f"unix:{target}", options=(("grpc.use_local_subchannel_pool", 1),)) as channel:
        greet: Any = channel.unary_unary(METHOD, request_serializer=Greeting.SerializeToString, response_deserializer=Welcome.FromString)
        try:
            welcome = greet(Greeting(), timeout=_DEADLINE_SECONDS)
        except grpc.RpcError as error:
            if error.code() is grpc.StatusCode.UNIMPLEMENTED:
                return Peer("reports")
            raise trouble(error, target) from None
    return Peer("lines", welcome.version, f"{welcome.namespace}/{welcome.workload}")
