"""The promises of tests/fuzz/targets.py, over the corpora and over inputs that are nearly of them."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz.seeds import seeds
from tests.fuzz.targets import CORPUS, TARGETS, inputs_of
from tests.property.mutation import mutated

MOST_BYTES = 16 << 10
"""Of the corpus of one target."""

SLOW = ("kept",)
"""Those that write to a disk."""

every_target = pytest.mark.parametrize("name", TARGETS)
quick_targets = pytest.mark.parametrize("name", [name for name in TARGETS if name not in SLOW])


@pytest.mark.parametrize(("name", "input_name"), [(name, file) for name in TARGETS for file in inputs_of(name)])
def test_an_input_of_the_corpus_keeps_the_promise(name, input_name):
    TARGETS[name](inputs_of(name)[input_name])


@every_target
@pytest.mark.parametrize("data", [b"", b"\n", b"\x00", b"\xff" * 40, b"{" * 3000])
def test_inputs_that_are_next_to_nothing_keep_it(name, data):
    TARGETS[name](data)


@quick_targets
@given(data=st.data())
def test_what_is_nearly_of_the_corpus_keeps_it(name, data):
    TARGETS[name](data.draw(mutated(list(inputs_of(name).values()))))


@quick_targets
@given(data=st.binary(max_size=300))
def test_any_bytes_keep_it(name, data):
    TARGETS[name](data)


@pytest.mark.parametrize("name", SLOW)
@settings(max_examples=20)
@given(data=st.data())
def test_what_is_nearly_of_the_corpus_keeps_it_slowly(name, data):
    TARGETS[name](data.draw(st.one_of(mutated(list(inputs_of(name).values())), st.binary(max_size=300))))


@every_target
def test_a_corpus_is_small_and_begins_with_its_seeds(name):
    inputs = inputs_of(name)
    assert sum(map(len, inputs.values())) <= MOST_BYTES
    assert {file: data for file, data in inputs.items() if not file.startswith("found-")} == seeds()[name]


def test_every_corpus_has_a_target():
    assert {path.name for path in CORPUS.iterdir()} == TARGETS.keys()
