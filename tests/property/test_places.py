"""Rows at places are what a dict by their key is, whatever is added, found, changed and dropped, within the bound."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from unmasq.join.places import Places
from unmasq.model.translation import Translations

KEY = ("source_lo", "source_port")
keys = st.tuples(st.integers(0, 3), st.integers(0, 3))
steps = st.lists(st.tuples(st.booleans(), st.lists(keys, unique=True, max_size=6)), max_size=30)


def rows(of: list[tuple[int, int]], value: int = 0) -> Translations:
    lo, port = np.array(of, "i8").reshape(-1, 2).T
    return Translations.filled(len(of), source_lo=lo, source_port=port, start_us=value)


@given(steps)
def test_places_are_a_bounded_dict(made):
    places, plain = Places(Translations, KEY, most=8), dict[tuple[int, int], int]()
    for number, (is_added, chosen) in enumerate(made):
        known = [key for key in chosen if key in plain]
        fresh = [key for key in chosen if key not in plain]
        if is_added:
            added = fresh[: places.room]
            assert len(places.add(rows(fresh, number))) == len(added)
            places.rows.start_us[places.find(rows(known))] = number
            plain |= dict.fromkeys([*added, *known], number)
        else:
            assert (places.find(rows(fresh)) == -1).all()
            places.drop(places.find(rows(known)))
            plain = {key: value for key, value in plain.items() if key not in known}
        assert (len(places), places.room) == (len(plain), 8 - len(plain))
        found = places.find(rows(list(plain)))
        assert dict(zip(plain, places.rows.start_us[found].tolist(), strict=True)) == plain
