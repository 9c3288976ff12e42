"""A collector is told of its lines when they are on disk, and not a moment before."""

import grpc
import pytest

from tests.story.peers import Node, short_folder
from tests.unit.node.test_live import NOW_US
from tests.unit.observe import policy_sync_messages as messages
from unmasq.base.errors import StoreError
from unmasq.model.flowbatch import FlowBatch
from unmasq.model.proto.lines_pb2 import Begun, File, Piece, Sent
from unmasq.node.begun import begun_batch
from unmasq.node.receipts import Receipts

FILE = File(device=1, inode=2, fingerprint="4-abc")
LINE = b"a line\n"


def told(path, *sent):
    """What a stream is told is committed when it begins: its runs."""
    with grpc.insecure_channel(f"unix:{path}") as channel:
        answers = messages.sending(channel)(iter([each.SerializeToString() for each in sent]), timeout=5)
        first = next(answers)
        list(answers)
    return [(run.start, run.end) for each in first.committed for run in each.runs]


def refuse(_batch):
    raise StoreError("cannot write")


def test_a_receipt_follows_the_disk():
    with short_folder() as folder, Node(folder) as node:
        told(node.socket, Sent(begun=Begun(file=FILE)), Sent(piece=Piece(file=FILE, path="/log", data=LINE)))
        assert node.lines() == [LINE]
        kept: list[FlowBatch] = []
        batch, receipts = begun_batch("node-1", {node.chunks[0].file: len(LINE)}, NOW_US), Receipts(node.sync)
        with pytest.raises(StoreError):
            receipts.after(refuse)(batch)
        assert told(node.socket) == []
        receipts.after(kept.append)(batch)
        assert (told(node.socket), kept) == ([(0, len(LINE))], [batch])


def test_where_nobody_collects_nobody_is_told():
    kept: list[FlowBatch] = []
    Receipts(None).after(kept.append)(batch := begun_batch("node-1", {}, NOW_US))
    assert kept == [batch]
