"""An index of keys says what a dict would say, whatever comes in which order."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tests.property.twins import each_twin
from unmasq.model.index import index

key = st.tuples(st.integers(0, 3), st.sampled_from([0, 1, (1 << 64) - 1]))
deeds = st.lists(st.tuples(st.sampled_from(["put", "drop", "find"]), st.lists(st.tuples(key, st.integers(1, 3)), max_size=6)), max_size=12)


@each_twin
@given(some=deeds)
def test_each_key_has_the_number_that_it_was_given_last(native, some):
    found = index(2, native)
    expected: dict[tuple[int, int], int] = {}
    for deed, pairs in some:
        keys, numbers = np.array([k for k, _ in pairs], "u8").reshape(-1, 2), np.array([n for _, n in pairs], "i8")
        if deed == "find":
            assert found.find(keys).tolist() == [expected.get(k, 0) for k, _ in pairs]
        elif deed == "put":
            before = [expected.get(k, 0) if k not in dict(pairs[:row]) else dict(pairs[:row])[k] for row, (k, _) in enumerate(pairs)]
            assert found.put(keys, numbers).tolist() == before
            expected |= dict(pairs)
        else:
            found.drop(keys, numbers)
            for k, number in pairs:
                if expected.get(k) == number:
                    del expected[k]


@each_twin
def test_a_hundred_thousand_keys_that_come_and_go_are_all_found(native):
    found = index(2, native)
    numbers = np.arange(1, 100_001)
    keys = np.stack([numbers % 317, numbers], axis=1).astype("u8")
    assert not found.put(keys, numbers).any()
    gone = numbers % 3 == 0
    found.drop(keys[gone], numbers[gone])
    found.drop(keys[~gone], numbers[~gone] + 1)
    assert found.find(keys).tolist() == np.where(gone, 0, numbers).tolist()
    assert found.put(keys, numbers).tolist() == np.where(gone, 0, numbers).tolist()
