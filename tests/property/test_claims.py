"""The claims of many texts at once are those of each text alone."""

import json

from hypothesis import given
from hypothesis import strategies as st

from tests.property.test_walk import element, forwarded_element, header_text, names
from tests.property.twins import each_twin
from unmasq.model.address import NONE, packed, parse
from unmasq.unwind.claims import KINDS, claims_of, elements, header_values, named, shortcomings

lists = st.lists(element, max_size=4).map(",".join)
odd_text = st.dictionaries(
    st.sampled_from(KINDS),
    st.one_of(lists, lists.map(lambda value: f"\t{value} , "), names, st.lists(forwarded_element).map(",".join)),
    max_size=4,
)
as_readers_write = odd_text.map(lambda values: json.dumps(values, separators=(",", ":"), ensure_ascii=False))
texts = st.lists(st.one_of(header_text, odd_text.map(json.dumps), as_readers_write, st.just("")), max_size=12)


@each_twin
@given(texts)
def test_columns_hold_the_elements_of_each_header(native, some):
    claims = claims_of(some, native)
    for row, text in enumerate(some):
        values = header_values(text)
        cut, partly = shortcomings(values)
        for kind, name in enumerate(KINDS):
            first, count = claims.first[row, kind], claims.count[row, kind]
            found = list(zip(claims.hi[first : first + count].tolist(), claims.lo[first : first + count].tolist(), strict=True))
            assert found == [named(name, each) or NONE for each in elements(name, values.get(name, ""))]
            assert bool(claims.recorded[row, kind]) == (name in values and name not in cut)
            assert bool(claims.partly[row, kind]) == (name in partly)
            assert set(claims.text[first : first + count].tolist()) <= {row}
            assert set(claims.kind[first : first + count].tolist()) <= {kind}


@given(st.lists(st.one_of(element, st.ip_addresses().map(str), st.text(max_size=20))))
def test_many_addresses_at_once_are_those_of_each_alone(some):
    found = packed(some)
    assert [found[at : at + 16] for at in range(0, len(found), 16)] == [_bytes(text) for text in some]


def _bytes(text):
    hi, lo = parse(text) or NONE
    return (hi << 64 | lo).to_bytes(16, "big")
