"""One reader of ports for flags, settings and URLs."""

import pytest

from unmasq.base.errors import UnmasqError
from unmasq.base.ports import port_of
from unmasq.cli.ends import to_bind
from unmasq.node import probe
from unmasq.node.collector.health import parse_address
from unmasq.observe.listeners import listener

WRONG = ["", "-1", "+1", "1_0", " 1", "8\u00b2", "\u0661", "65536", "99999", "655350000", "9" * 5000, "http"]


@pytest.mark.parametrize("text", WRONG)
def test_what_is_no_port_is_refused_wherever_one_is_named(text):
    assert port_of(text) is None
    for read in (to_bind, listener, parse_address):
        with pytest.raises(UnmasqError):
            read(f"127.0.0.1:{text}")


@pytest.mark.parametrize(("text", "port"), [("0", 0), ("80", 80), ("00080", 80), ("65535", 65535)])
def test_a_port_is_decimal(text, port):
    assert port_of(text) == port
    assert to_bind(f"127.0.0.1:{text}") == parse_address(f"127.0.0.1:{text}") == ("127.0.0.1", port)


@pytest.mark.parametrize("url", ["http://h:99999/", "http://h:8\u00b2/", "http://h:0/", "http://[::1", "h", "ftp://h/"])
def test_a_test_request_goes_to_no_such_port(url):
    with pytest.raises(UnmasqError, match="not a URL"):
        probe.send(url, {})


def test_a_host_that_has_no_name_in_the_net_does_not_answer():
    with pytest.raises(UnmasqError, match="no answer"):
        probe.send(f"http://{'x' * 70}.example/", {})
