"""What is said of the switches."""

import pytest

from unmasq.observe.switches import Switches


@pytest.mark.parametrize("tracking", [True, None])
def test_what_is_on_or_cannot_be_known_is_not_called_off(tracking):
    assert Switches(accounting=True, timestamps=True, events=True, tracking=tracking).off == []


def test_what_is_off_is_named():
    off = Switches(accounting=False, timestamps=False, events=False, tracking=False).off
    assert off == ["nf_conntrack_acct", "nf_conntrack_timestamp", "nf_conntrack_events", "a rule that tracks connections"]
