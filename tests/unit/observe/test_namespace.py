"""Namespaces, as far as they go without rights."""

from pathlib import Path

import pytest

from unmasq.base.errors import KernelError
from unmasq.model.address import parse
from unmasq.observe import namespace


def test_a_name_is_where_ip_netns_keeps_it_and_a_path_is_itself():
    assert namespace.path_of("shop") == "/run/netns/shop"
    assert namespace.path_of("/proc/1/ns/net") == "/proc/1/ns/net"


def test_a_namespace_that_does_not_exist_is_an_error_that_says_how_to_find_one():
    with pytest.raises(KernelError) as caught, namespace.entered("no-such-namespace"):
        pass
    assert "no-such-namespace" in caught.value.what
    assert "No such file" in caught.value.why
    assert "ip netns list" in caught.value.next_step


def test_a_file_that_is_no_namespace_is_refused(tmp_path):
    (tmp_path / "plain").write_text("")
    with pytest.raises(KernelError, match="cannot enter"), namespace.entered(str(tmp_path / "plain")):
        pass


def test_none_stays_at_home():
    here = Path("/proc/thread-self/ns/net")
    home = here.readlink()
    with namespace.entered(None):
        assert here.readlink() == home


def test_our_own_addresses_can_be_read_without_rights():
    assert (parse("127.0.0.1"), False) in [(one.pair, one.is_wide) for one in namespace.interface_addresses()]
