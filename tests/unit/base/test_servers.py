"""To whom a token may be sent, and over what."""

import pytest

from unmasq.base.errors import UsageError
from unmasq.base.servers import checked_url, is_loopback


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST", "127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"])
def test_this_very_machine_is_known_by_all_its_names(host):
    assert is_loopback(host)
    assert checked_url(f"http://[{host}]:1" if ":" in host else f"http://{host}:1")


@pytest.mark.parametrize("host", ["", "unmasq", "localhost.example", "127.0.0.1.example", "10.0.0.1", "0.0.0.0", "::", "::ffff:10.0.0.1"])
def test_any_other_host_is_another_machine(host):
    assert not is_loopback(host)


@pytest.mark.parametrize("url", ["http://unmasq:8470", "http://10.0.0.1", "http://user@127.0.0.1@evil.example/"])
def test_nothing_goes_in_clear_to_another_machine_unless_it_is_wanted(url):
    with pytest.raises(UsageError, match="in clear") as raised:
        checked_url(url)
    assert "--insecure" in raised.value.next_step
    assert checked_url(url, insecure=True) == url.rstrip("/") + "/"
    assert checked_url(url.replace("http", "https")) == url.replace("http", "https").rstrip("/") + "/"
