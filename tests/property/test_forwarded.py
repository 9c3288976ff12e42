"""Whatever a client writes into `Forwarded`, the element that a proxy appends is read as the proxy wrote it."""

from hypothesis import given
from hypothesis import strategies as st

from unmasq.model.address import parse
from unmasq.unwind.claims import elements, named

ODD = '",;=\\ \tfor[]:_-1.\x00é'
hostile = st.one_of(st.text(ODD, max_size=40), st.text(max_size=20), st.sampled_from(['for="', 'for=6.6.6.6;x="', 'x="\\', "for=6.6.6.6,"]))
addresses = st.ip_addresses().filter(lambda address: int(address) not in (0, 0xFFFF << 32))
names = st.sampled_from(["by", "proto", "host", "Host", "secret"])
plain = st.text("abcdefghijklmnopqrstuvwxyz0123456789.-_", min_size=1, max_size=12)


def quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def node(address, port: str) -> str:
    return (f"[{address}]" if address.version == 6 else str(address)) + port


@st.composite
def appended(draw) -> tuple[str, str]:
    """An element of a proxy that quotes as it should, also what the client asked for; and the address that it names."""
    address = draw(addresses)
    ours = f"for={quoted(node(address, draw(st.sampled_from(['', ':443', ':_p1']))))}"
    others = draw(st.dictionaries(names, st.one_of(plain, hostile.map(quoted)), max_size=3))
    pairs = draw(st.permutations([ours, *(f"{name}={value}" for name, value in others.items() if name != "Host" or "host" not in others)]))
    return draw(st.sampled_from([";", "; "])).join(pairs), str(address)


@given(hostile, st.lists(appended(), min_size=1, max_size=3), st.sampled_from([",", ", ", " ,\t"]))
def test_no_prefix_swallows_or_forges_what_proxies_append(prefix, chain, comma):
    found = elements("forwarded", comma.join([prefix, *(element for element, _ in chain)]))
    assert found[-len(chain) :] == [element for element, _ in chain]
    assert [named("forwarded", element) for element in found[-len(chain) :]] == [parse(address) for _, address in chain]


@given(st.one_of(hostile, st.text()))
def test_reading_never_fails_and_loses_nothing_but_commas_and_blanks(value):
    found = elements("forwarded", value)
    if value != "-":
        assert "".join(found).translate(_GAPS) == value.translate(_GAPS)
    for element in found:
        named("forwarded", element)


_GAPS = str.maketrans("", "", ", \t")
