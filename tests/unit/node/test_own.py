"""Which addresses of a node others must know, and that they are looked at again."""

import pytest

from unmasq.base.clock import MICROSECONDS, ManualClock
from unmasq.base.errors import KernelError
from unmasq.model.address import NONE, parse
from unmasq.model.nodesettings import MOST_ADDRESSES
from unmasq.node.own import MOST_OF_ONE, OwnAddresses, worth_telling
from unmasq.observe import namespace
from unmasq.observe.namespace import InterfaceAddress

NOW_US = 1_800_000_000_000_000


def of(interface: int, *texts: str, is_wide: bool = True) -> list[InterfaceAddress]:
    return [InterfaceAddress(parse(text) or NONE, interface, is_wide) for text in texts]


class Spaces:
    """Namespaces with the addresses that they are given; one that has none cannot be read."""

    def __init__(self, monkeypatch) -> None:
        self.of: dict[str | None, list[InterfaceAddress]] = {None: of(2, "10.0.0.3")}
        self.clock = ManualClock(NOW_US)
        monkeypatch.setattr(namespace, "interface_addresses", self._read)

    def _read(self, space: str | None = None) -> list[InterfaceAddress]:
        if space not in self.of:
            raise KernelError("there is no such namespace")
        return self.of[space]

    def after(self, seconds: float) -> None:
        self.clock.move_to(self.clock.now_us() + int(seconds * MICROSECONDS))


@pytest.fixture
def spaces(monkeypatch):
    return Spaces(monkeypatch)


def test_what_others_can_see_is_told_and_nothing_that_every_machine_has():
    found = of(1, "127.0.0.1", "::1", "10.9.9.9") + of(2, "10.0.0.3", "fe80::1", "2001:db8::3") + of(3, "169.254.20.10")
    found += of(4, "10.4.4.4", is_wide=False) + of(5, "10.244.1.1")
    assert worth_telling(found) == sorted(one.pair for one in of(0, "10.9.9.9", "10.0.0.3", "2001:db8::3", "10.244.1.1"))


def test_an_interface_with_the_addresses_of_all_services_drives_no_other_out():
    services = [f"10.96.{n // 250}.{n % 250 + 1}" for n in range(5000)]
    told = worth_telling([*of(2, "10.0.0.3"), *of(3, *services), *of(9, "10.244.1.0")])
    assert len(told) == MOST_OF_ONE + 2
    assert {parse("10.0.0.3"), parse("10.244.1.0")} <= set(told)
    assert (
        len(worth_telling([one for number in range(2000) for one in of(number, f"10.{number // 250}.{number % 250}.1")])) == MOST_ADDRESSES
    )


def test_an_address_that_comes_later_is_found_and_one_that_goes_is_forgotten(spaces):
    own = OwnAddresses(None, list, spaces.clock)
    assert own.told == ("10.0.0.3",)
    spaces.of[None] = of(2, "10.0.0.3") + of(7, "10.244.1.0")
    assert not own.look()  # not yet
    spaces.after(5)
    assert own.look()
    assert list(own.told) == ["10.0.0.3", "10.244.1.0"]
    assert not own.look()
    spaces.of[None] = of(7, "10.244.1.0")
    spaces.after(5)
    assert own.look()
    assert [one.text for one in own.ranges] == ["10.244.1.0"]
    assert own.of_node == {parse("10.244.1.0")}


def test_what_cannot_be_read_now_stays_as_it_was(spaces):
    own = OwnAddresses(None, list, spaces.clock)
    del spaces.of[None]
    spaces.after(5)
    assert not own.look()
    assert own.told == ("10.0.0.3",)
    with pytest.raises(KernelError):
        OwnAddresses("elsewhere", list, spaces.clock)


def test_a_proxys_listeners_are_here_but_it_is_no_node(spaces):
    """A proxy in front of another one is the source of what it sends."""
    proxies = ["proxy"]
    own = OwnAddresses(None, lambda: proxies, spaces.clock)
    assert own.here == own.of_node
    spaces.of["proxy"] = of(2, "10.244.1.10")
    spaces.after(5)
    assert own.look()
    assert own.here - own.of_node == {parse("10.244.1.10")}
    assert own.told == ("10.0.0.3",)
