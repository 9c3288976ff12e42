import gc
import weakref

import duckdb
import pytest

from tests.contract.traffic import LOG, MIDNIGHT_US, MadeChain, MadeFlow, batch
from unmasq.base.clock import DAY_US
from unmasq.base.errors import StoreError
from unmasq.keep.day import schema, texts, writing
from unmasq.keep.duck import DuckStore
from unmasq.model.filter import FlowFilter
from unmasq.model.flowbatch import Rejected

DAY = MIDNIGHT_US // DAY_US


@pytest.fixture
def store(tmp_path):
    with DuckStore(tmp_path) as store:
        yield store


def asked(store, path):
    return [MadeFlow(chains=(MadeChain(paths=(path,)),))]


def rows(store: DuckStore, table: str) -> int:
    with store.view(FlowFilter()) as view:
        return int(view.ask(f"SELECT count(*) FROM ({view.union(f'SELECT 1 FROM day.{table}')})")[0][0])


def test_a_text_that_comes_again_is_stored_once(store):
    for number in range(3):
        store.append(batch(asked(store, "/same"), first_id=number + 1))
    assert rows(store, "texts") == 3  # the path, the headers, and the empty text
    assert [flow.unmasq.chains[0].paths for flow in store.flows(FlowFilter()).flows] == [["/same"]] * 3


def test_forgetting_texts_only_costs_room(store, monkeypatch):
    monkeypatch.setattr(texts, "KNOWN_CHARACTERS", 1)
    for number in range(3):
        store.append(batch(asked(store, "/same"), first_id=number + 1))
    assert rows(store, "texts") == 9
    assert len(store.flows(FlowFilter(path=("/same",))).flows) == 3


@pytest.mark.parametrize(("path", "kept"), [("/\udc80", "/\\udc80"), ("/\x00x", "/\x00x"), ("/é😀", "/é😀")])
def test_whatever_a_client_writes_can_be_stored(store, path, kept):
    store.append(batch(asked(store, path), rejected=[Rejected(DAY, 3, 1, path)]))
    assert store.flows(FlowFilter()).flows[0].unmasq.chains[0].paths == [kept]


@pytest.mark.parametrize("error", [duckdb.IOException("disk full"), KeyboardInterrupt()])
def test_a_failed_batch_leaves_nothing_and_the_next_one_is_whole(store, monkeypatch, error):
    def fails(*_):
        raise error

    store.append(batch(asked(store, "/a")))
    monkeypatch.setattr(writing.Writer, "_reject", fails)
    with pytest.raises((StoreError, KeyboardInterrupt)):
        store.append(batch([MadeFlow(), MadeFlow()], first_id=2, first_line=10))
    monkeypatch.undo()
    store.append(batch(asked(store, "/b"), first_id=4, first_line=10))
    assert [flow.unmasq.chains[0].paths for flow in store.flows(FlowFilter()).flows] == [["/b"], ["/a"]]
    assert store.covered()[0].runs == [(0, 20)]


def test_many_small_runs_become_few(store, monkeypatch):
    monkeypatch.setattr(writing, "MANY_RUNS", 3)
    for number in range(10):
        store.append(batch([MadeFlow()], first_id=number + 1, first_line=10 * number))
    assert rows(store, "lines") <= 4
    assert [(each.file, each.runs) for each in store.covered()] == [(LOG, [(0, 100)])]


def test_rejects_without_a_flow_are_kept_with_their_day(store):
    store.append(batch([], rejected=[Rejected(DAY, 4, 7, "two payloads"), Rejected(DAY - 1, 4, 1, ""), Rejected(DAY, 1, 2, "")]))
    health = store.health()
    assert health.rejects == {"blank": 2, "injected": 8}
    assert (health.flows, health.newest_us, health.oldest_us) == (0, None, None)


def test_a_writer_is_gone_with_its_last_user(store):
    """Each picture of open flows has one: in a cycle they and their cursors would pile up until the collector comes."""
    gc.disable()
    try:
        with store.connection.cursor() as cursor:
            cursor.execute("ATTACH ':memory:' AS picture")
            schema.create(cursor, "picture")
            writer = writing.Writer(cursor, "picture")
            writer.write([batch(asked(store, "/a"))])
            gone = weakref.ref(writer)
            del writer
        assert gone() is None
    finally:
        gc.enable()
