"""Closed flows as columns: what the join hands to the store, and what a node ships."""

from dataclasses import dataclass, field
from enum import IntEnum, IntFlag
from uuid import UUID, uuid4

from unmasq.model.columns import Array, Columns, column
from unmasq.model.ingress import FileIdentity
from unmasq.model.translation import Translations

_ADDRESSES, _CHARACTERS = 8, 200
"""Of a batch, that take as much room as a flow or chain: more than a usual one has."""


class Join(IntEnum):
    """How a request and a connection were brought together (design, section 5)."""

    EXACT = 0
    NAT = 1
    REMOTE_NAT = 2
    PARTIAL = 3
    UNWITNESSED = 4
    UNLOGGED = 5

    @property
    def label(self) -> str:
        """The word in the flow log."""
        return self.name.lower().replace("_", "-")


class Evidence(IntEnum):
    """Why the client of a chain is believed to be the client."""

    NONE = 0
    OBSERVED = 1
    FORWARDED = 2
    LOGGED = 3

    @property
    def label(self) -> str | None:
        """The word in the flow log; None where there is no client."""
        return self.name.lower() if self else None


class Flag(IntFlag):
    """What a reader must know about a chain or flow."""

    OBSCURED = 1  # who came cannot be read: header not recorded, cut, no address, or the line was rejected
    ALL_TRUSTED = 2  # the walk ended at a trusted proxy: its own health check
    HEADER_CONFLICT = 4  # two headers of a trusted proxy name different clients
    SNAT_ELSEWHERE = 8  # the source is a node's: another machine translated it
    LATE = 16  # lines that came after their flow was closed
    TEST = 32  # sent by `unmasq doctor --test`
    REJECTED = 64  # the payload of its lines was rejected
    OTHERS = 128  # more distinct chains than a flow lists; this one sums the rest
    APPLICATION_BYTES = 256  # the proxy's socket counted bytes and packets, without the headers of TCP and IP; not conntrack
    MANY_CLAIMS = 512  # a header names more addresses than the index holds of one: its first and its last ones are found

    def labels(self) -> list[str]:
        """The words in the flow log, in a fixed order."""
        return [flag.name.lower() for flag in Flag if flag in self and flag.name]


class Role(IntEnum):
    """What an address is to a flow: the five roles of the address index, which keeps them as bits."""

    CLIENT = 0
    CLAIM = 1  # any header names it, whatever the trust
    ORIGINAL_SOURCE = 2  # by the rule of Calico's old field
    SOURCE = 3
    NAT_SOURCE = 4

    @property
    def label(self) -> str:
        """The word in filters and answers."""
        return self.name.lower()

    @property
    def bit(self) -> int:
        """The role in `AddressColumns.roles`."""
        return 1 << self


@dataclass(frozen=True, slots=True)
class FlowColumns(Columns):
    """One row a flow: one connection (or one unwitnessed tuple) over one interval. -1 in a count means unknown."""

    id_hi: Array = column("u8")  # UUIDv7
    id_lo: Array = column("u8")
    connection: Array = column("u8")  # hash of node, protocol, tuple and start: equal in all intervals of one connection
    protocol: Array = column("u1")
    interval_start_us: Array = column("i8")
    interval_end_us: Array = column("i8")
    first_us: Array = column("i8")
    last_us: Array = column("i8")
    source_hi: Array = column("u8")
    source_lo: Array = column("u8")
    source_port: Array = column("u2")
    dest_hi: Array = column("u8")
    dest_lo: Array = column("u8")
    dest_port: Array = column("u2")
    nat_hi: Array = column("u8")  # the connection's source before this node translated it; NONE where it did not
    nat_lo: Array = column("u8")
    nat_port: Array = column("u2")
    orig_dest_hi: Array = column("u8")  # the destination that the client addressed; NONE without a witness
    orig_dest_lo: Array = column("u8")
    orig_dest_port: Array = column("u2")
    join: Array = column("u1")
    flags: Array = column("u2")
    time_source: Array = column("u1")
    trust_version: Array = column("u4")
    conntrack_id: Array = column("u4")
    opened_us: Array = column("i8")  # the connection's start and end; 0 = unknown or still open
    closed_us: Array = column("i8")
    started: Array = column("u1")
    completed: Array = column("u1")
    bytes_in: Array = column("i8")
    bytes_out: Array = column("i8")
    packets_in: Array = column("i8")
    packets_out: Array = column("i8")
    requests: Array = column("i8")
    originals: Array = column("u4")  # distinct original sources, exact
    pod: Array = column("i8")  # NAMESPACE/POD of the proxy: a row in `FlowBatch.texts`, the empty text where it is not known


@dataclass(frozen=True, slots=True)
class ChainColumns(Columns):
    """One row a distinct (flow, headers). `flow` is the row in FlowColumns, `headers` the row in `FlowBatch.texts`."""

    flow: Array = column("i8")
    headers: Array = column("i8")
    client_hi: Array = column("u8")
    client_lo: Array = column("u8")
    evidence: Array = column("u1")
    flags: Array = column("u2")
    requests: Array = column("i8")
    bytes_in: Array = column("i8")
    bytes_out: Array = column("i8")
    first_us: Array = column("i8")
    last_us: Array = column("i8")


@dataclass(frozen=True, slots=True)
class AskedColumns(Columns):
    """What requests asked for and got: one row a distinct (chain, texts), with its number of requests.

    The texts (`unmasq.model.ingress.TEXTS`) are rows in `FlowBatch.texts`, the empty text where the log has none.
    """

    chain: Array = column("i8")
    method: Array = column("i8")
    host: Array = column("i8")
    path: Array = column("i8")
    status: Array = column("i8")
    user_agent: Array = column("i8")
    upstream: Array = column("i8")
    service: Array = column("i8")
    requests: Array = column("i8")


@dataclass(frozen=True, slots=True)
class AddressColumns(Columns):
    """One row an (address, flow, chain): the address index. `chain` is -1 for the roles of the whole flow."""

    hi: Array = column("u8")
    lo: Array = column("u8")
    roles: Array = column("u1")  # bits of Role
    flow: Array = column("i8")
    chain: Array = column("i8")
    first_us: Array = column("i8")
    last_us: Array = column("i8")
    requests: Array = column("i8")


@dataclass(frozen=True, slots=True)
class LineColumns(Columns):
    """Log lines that a batch contains: byte runs [start, end) of `FlowBatch.files[file]`; `day` = days since 1970."""

    file: Array = column("u4")
    start: Array = column("i8")
    end: Array = column("i8")
    day: Array = column("i4")


@dataclass(frozen=True, slots=True)
class Rejected:
    """Lines of one reason that gave no flow, or whose payload was rejected, with one of them (bounded) as a sample."""

    day: int
    reason: int
    count: int
    sample: str


@dataclass(frozen=True, slots=True)
class FlowBatch:
    """Flows with their chains, what was asked, addresses, and the log lines that they contain.

    The id is minted where a batch is made and stays the same wherever it goes, however often: a store that holds a batch of
    that id does not take it again. Stores ignore the translations, which are for the flows of other nodes.
    """

    node: str
    flows: FlowColumns
    chains: ChainColumns
    asked: AskedColumns
    addresses: AddressColumns
    texts: list[str]
    files: list[FileIdentity]
    lines: LineColumns
    rejected: list[Rejected]
    id: UUID = field(default_factory=uuid4)
    translations: Translations = field(default_factory=Translations.empty)

    def __len__(self) -> int:
        return len(self.flows)

    def weight(self) -> int:
        """How much of it there is: flows and chains, and the room of as many for long texts and many addresses."""
        return len(self.flows) + len(self.chains) + len(self.addresses) // _ADDRESSES + sum(map(len, self.texts)) // _CHARACTERS

    def covered(self) -> dict[FileIdentity, list[tuple[int, int]]]:
        """The runs of bytes of the log lines in here, by file: what is kept once this batch is."""
        runs: dict[FileIdentity, list[tuple[int, int]]] = {}
        for file, start, end in zip(self.lines.file.tolist(), self.lines.start.tolist(), self.lines.end.tolist(), strict=True):
            runs.setdefault(self.files[file], []).append((start, end))
        return runs
