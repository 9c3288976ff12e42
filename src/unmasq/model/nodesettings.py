"""What a server tells its nodes: whom to trust, and what they all must agree on; and what a node tells for that."""

from msgspec import Struct, json, structs

from unmasq.model.health import NodeStatus

MOST_ADDRESSES = 250
"""That a node tells; more are left out by it, and refused by a server."""


MOST_STATUS_BYTES = 64 << 10
"""Of what a node says of how it is doing, as JSON; more is left out by it, and by a server."""


class TrustedRange(Struct, frozen=True):
    """A range of proxies under a name, and the header they are believed for."""

    name: str
    range: str
    header: str


class NodeSettings(Struct, frozen=True):
    """One state of the settings; what a node does not know of a newer server it leaves out."""

    trust_version: int = 0
    trust: list[TrustedRange] = []
    interval_seconds: float = 60
    """Length of a flow's interval; a node takes it over when it starts."""
    node_ranges: list[str] = []
    """Addresses of the cluster's nodes."""
    listeners: list[str] = []
    """ADDRESS:PORT of proxies anywhere in the cluster: of those that the server was told of, or where translated connections arrive."""


class NodeSaid(Struct, frozen=True, omit_defaults=True):
    """What a node says of itself when it asks for settings."""

    node: str
    addresses: list[str] = []
    """Of its interfaces: to others a source among them is nobody's own."""
    status: NodeStatus | None = None
    """How it is doing; an older node does not say."""


def bounded(said: NodeSaid) -> NodeSaid:
    """The same, without how the node is doing where that takes more than MOST_STATUS_BYTES."""
    is_long = said.status is not None and len(json.encode(said.status)) > MOST_STATUS_BYTES
    return structs.replace(said, status=None) if is_long else said
