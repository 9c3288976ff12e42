"""Which addresses of a header are in the index."""

from tests.story.traffic import Story, line
from unmasq.model.address import to_text
from unmasq.model.flowbatch import Flag, Role
from unmasq.unwind.roles import MOST_AT_AN_END


def claimed(count: int) -> list[str]:
    return [f"20.0.{number >> 8}.{number & 255}" for number in range(count)]


def indexed(batch) -> set[str]:
    rows = batch.addresses.take((batch.addresses.roles & Role.CLAIM.bit) > 0)
    return {to_text(hi, lo) for hi, lo in zip(rows.hi.tolist(), rows.lo.tolist(), strict=True)}


def test_of_a_header_with_many_addresses_the_first_and_the_last_are_in_the_index():
    addresses = claimed(500)
    story = Story(witnessed=False)
    story.tell(line("198.51.100.1", 4000, ", ".join(addresses)))
    batch = story.end()
    assert indexed(batch) == {*addresses[:MOST_AT_AN_END], *addresses[-MOST_AT_AN_END:]}
    assert batch.chains.flags.tolist() == [Flag.MANY_CLAIMS]
    assert story.counters.of("requests_many_claims") == 1


def test_as_many_as_fit_are_all_in_the_index():
    addresses = claimed(2 * MOST_AT_AN_END)
    story = Story(witnessed=False)
    story.tell(line("198.51.100.1", 4000, ", ".join(addresses)))
    batch = story.end()
    assert indexed(batch) == set(addresses)
    assert batch.chains.flags.tolist() == [0]
    assert story.counters.of("requests_many_claims") == 0


def test_the_walk_reads_also_what_the_index_lacks():
    """Of a chain of trusted proxies longer than anybody has, the client stands where the index would not look for it."""
    trusted = [f"203.0.113.{number}" for number in range(200)]
    story = Story(trust=["203.0.113.0/24"], witnessed=False)
    story.tell(line("203.0.113.250", 4000, ", ".join([*claimed(100), "192.0.2.77", *trusted])))
    batch = story.end()
    [client] = {to_text(hi, lo) for hi, lo in zip(batch.chains.client_hi.tolist(), batch.chains.client_lo.tolist(), strict=True)}
    assert client == "192.0.2.77"
    rows = batch.addresses.take((batch.addresses.roles & Role.CLIENT.bit) > 0)
    assert [to_text(hi, lo) for hi, lo in zip(rows.hi.tolist(), rows.lo.tolist(), strict=True)] == ["192.0.2.77"]
