"""A vocabulary numbers texts as a dict would, whatever comes in which order."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tests.property.twins import each_twin
from unmasq.model.vocabulary import Vocabulary

texts = st.lists(st.one_of(st.sampled_from(["", "a", "b", "\ud800", "\x00"]), st.text(max_size=3)), max_size=8)


@each_twin
@given(rounds=st.lists(texts, max_size=6))
def test_each_text_keeps_the_number_with_which_it_was_met(native, rounds):
    vocabulary, expected = Vocabulary(native), {"": 0}
    for some in rounds:
        for text in some:
            expected.setdefault(text, len(expected))
        assert vocabulary.numbers(some).tolist() == [expected[text] for text in some]
    assert vocabulary.texts(range(len(vocabulary))) == list(expected)


@each_twin
@given(some=texts, keep=st.lists(st.integers(0, 8), max_size=4))
def test_what_is_used_outlives_a_compaction_and_the_rest_is_new_again(native, some, keep):
    vocabulary = Vocabulary(native)
    vocabulary.numbers(some)
    used = np.array([number for number in keep if number < len(vocabulary)], "u4")
    kept = vocabulary.texts(used.tolist())
    assert vocabulary.texts(vocabulary.compact(used)[used].tolist()) == kept
    assert len(vocabulary) == len({"", *kept})
    assert vocabulary.texts(vocabulary.numbers(some).tolist()) == some


@each_twin
def test_a_hundred_thousand_texts_are_told_apart(native):
    vocabulary = Vocabulary(native)
    some = [f"text {number}" for number in range(100_000)]
    assert vocabulary.numbers(some).tolist() == list(range(1, 100_001))
    assert [vocabulary.number(text) for text in some[::997]] == list(range(1, 100_001, 997))


@each_twin
def test_texts_keep_their_numbers_when_many_more_come(native):
    vocabulary = Vocabulary(native)
    for count in (10, 5_000, 60_000):
        some = [f"text {number}" for number in range(count)]
        assert vocabulary.numbers(some).tolist() == list(range(1, count + 1))
