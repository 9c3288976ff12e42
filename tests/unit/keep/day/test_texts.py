import duckdb
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.contract.traffic import MadeChain, MadeFlow, batch
from unmasq.keep.day import schema, texts
from unmasq.keep.day.writing import Writer
from unmasq.keep.duck import DuckStore
from unmasq.model.filter import FlowFilter

LONG = "/" + "x" * texts.LONG_CHARACTERS


@pytest.fixture
def database():
    with duckdb.connect() as connection:
        connection.execute("ATTACH ':memory:' AS day")
        schema.create(connection, "day")
        yield connection


def names_only(values):
    """A batch of which nothing but its texts is looked at."""
    return batch([MadeFlow(chains=tuple(MadeChain(paths=(value,)) for value in values))])


def paths_of(connection):
    of_number = dict(connection.execute(f"SELECT text, value FROM {texts.every_text('day')}").fetchall())
    return [of_number[path] for (path,) in connection.execute("SELECT path FROM day.asked ORDER BY chain").fetchall()]


paths = st.sampled_from(["", "/a", "/b", LONG[:-1], LONG, LONG + "y"])


@given(st.lists(st.lists(paths, min_size=1, max_size=4), max_size=4), st.booleans())
def test_each_number_is_of_its_text_whatever_was_forgotten(appended, is_forgetful):
    known = 1 if is_forgetful else texts.KNOWN_CHARACTERS
    with duckdb.connect() as connection, pytest.MonkeyPatch.context() as patch:
        patch.setattr(texts, "KNOWN_CHARACTERS", known)
        connection.execute("ATTACH ':memory:' AS day")
        schema.create(connection, "day")
        for values in appended:
            Writer(connection, "day").write([names_only(values)])  # a new one goes on where the last one ended
        assert paths_of(connection) == [value for values in appended for value in values]
        numbers = np.array([text for (text,) in connection.execute(f"SELECT text FROM {texts.every_text('day')}").fetchall()])
        assert len(np.unique(numbers)) == len(numbers)


def test_long_texts_make_nobody_forget_the_short_ones(database, monkeypatch):
    monkeypatch.setattr(texts, "KNOWN_CHARACTERS", 1000)
    writer = Writer(database, "day")
    for number in range(5):
        writer.write([names_only(["/usual", f"{LONG}{number}"])])
    assert database.execute("SELECT count(*) FROM day.texts WHERE value = '/usual'").fetchall() == [(1,)]
    assert database.execute("SELECT count(*), min(text) FROM day.long_texts WHERE value <> ''").fetchall() == [(5, texts.FIRST_LONG + 1)]


@pytest.mark.parametrize("path", [LONG[:-1], LONG])
def test_a_text_is_found_by_what_it_says_whatever_its_length(tmp_path, path):
    with DuckStore(tmp_path) as store:
        store.append(batch([MadeFlow(chains=(MadeChain(paths=(path,)),)), MadeFlow(chains=(MadeChain(paths=("/other",)),))]))
        (flow,) = store.flows(FlowFilter(path=(path,))).flows
        assert flow.unmasq.chains[0].paths == [path]
