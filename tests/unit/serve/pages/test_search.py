"""The search box: one address, a range, a list, or nothing of the kind."""

import pytest

from unmasq.base.errors import UsageError
from unmasq.serve.pages.search import place


@pytest.mark.parametrize(
    ("text", "leads_to"),
    [
        (" 198.51.100.1 ", "/ip/198.51.100.1"),
        ("198.51.100.1:443", "/ip/198.51.100.1"),
        ("[2001:db8::1]:443", "/ip/2001:db8::1"),
        ("10.1.2.3/8", "/ip/10.0.0.0/8"),
        ("::ffff:192.0.2.1", "/ip/192.0.2.1"),
        ("198.51.100.1\r\n198.51.100.2", "/several?q=198.51.100.1+198.51.100.2"),
        ("from 198.51.100.1", "/several?q=198.51.100.1+from"),
    ],
)
def test_leads_to(text, leads_to):
    assert place(text) == leads_to


@pytest.mark.parametrize("text", ["", "   ", "shop.example", "<script>", "1.2.3"])
def test_no_address_is_told(text):
    with pytest.raises(UsageError):
        place(text)
