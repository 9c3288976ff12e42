"""The captured messages of tests/golden and what their rows must be, as people write it."""

import json
from pathlib import Path

from unmasq.base.telemetry import Counters
from unmasq.model.address import NONE, to_text
from unmasq.model.connection import ConnectionBatch, ConnectionEvent
from unmasq.observe.listeners import Listener, Listeners

GOLDEN = Path(__file__).parents[2] / "golden"
SEEN_US = 1_795_489_999_000_000
"""When the expected rows say that they were read."""
EVERYWHERE = Listeners(Counters(), [Listener(*NONE, port) for port in (53, 80, 8084)])
"""The ports to which the captured connections went, on every address."""


def captured(folder: str) -> dict[str, bytes]:
    """Name -> datagram of one kind of messages."""
    return {path.stem: path.read_bytes() for path in sorted((GOLDEN / folder).glob("*.bin"))}


CAPTURES, EXPECTED = captured("conntrack"), json.loads((GOLDEN / "conntrack" / "expected.json").read_text())
SOCKETS, EXPECTED_SOCKETS = captured("sock_diag"), json.loads((GOLDEN / "sock_diag" / "expected.json").read_text())


def described(batch: ConnectionBatch) -> list[dict[str, object]]:
    """A batch in the form of expected.json."""
    columns = {name: values.tolist() for name, values in batch.as_dict().items()}
    return [_described({name: values[row] for name, values in columns.items()}) for row in range(len(batch))]


def _described(row: dict[str, int]) -> dict[str, object]:
    return {
        "event": ConnectionEvent(row["event"]).name,
        "id": row["id"],
        "protocol": row["protocol"],
        "original": f"{_end(row, 'orig', 's', 'src')} > {_end(row, 'orig', 'd', 'dst')}",
        "reply": f"{_end(row, 'reply', 's', 'src')} > {_end(row, 'reply', 'd', 'dst')}",
        "start_us": row["start_us"],
        "stop_us": row["stop_us"],
        "bytes": [row["bytes_orig"], row["bytes_reply"]],
        "packets": [row["packets_orig"], row["packets_reply"]],
    }


def _end(row: dict[str, int], way: str, side: str, name: str) -> str:
    address = to_text(row[f"{way}_{name}_hi"], row[f"{way}_{name}_lo"])
    return f"{f'[{address}]' if ':' in address else address}:{row[f'{way}_{side}port']}"
