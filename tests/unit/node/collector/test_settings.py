"""The environment of the old collector, understood as it was."""

import pytest

from unmasq.base.errors import UsageError
from unmasq.base.notes import Level
from unmasq.node.collector.settings import CollectorSettings, settings_of

NAMES = ["INGRESS_LOG_INTERVAL_SECONDS", "INGRESS_LOG_REQUESTS_PER_INTERVAL", "INGRESS_LOG_PATH", "FELIX_DIAL_TARGET", "LOG_LEVEL"]


@pytest.mark.parametrize("text", [None, "", "0", " "])
def test_zero_empty_and_absent_are_the_default(text):
    environment = {} if text is None else dict.fromkeys(NAMES, text)
    assert settings_of(environment) == CollectorSettings(
        5, 10, "/var/log/calico/ingress/ingress.log", "/var/run/felix/nodeagent/socket", Level.PANIC
    )


def test_each_variable_is_heard():
    told = dict(zip(NAMES, ["7", "-1", "/log", "unix:/s", "Trace"], strict=True))
    assert settings_of(told) == CollectorSettings(7, -1, "/log", "/s", Level.TRACE)


@pytest.mark.parametrize("target", ["/a/b", "unix:/a/b", "unix:///a/b"])
def test_the_socket_may_be_named_in_each_form(target):
    assert settings_of({"FELIX_DIAL_TARGET": target}).target == "/a/b"


@pytest.mark.parametrize("name", ["Trace", "Debug", "Info", "Warning", "Error", "Fatal", "Panic", "warn", "PANIC"])
def test_levels_have_their_old_names(name):
    assert settings_of({"LOG_LEVEL": name}).level.name.startswith(name.upper())


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("INGRESS_LOG_INTERVAL_SECONDS", "5s"),
        ("INGRESS_LOG_INTERVAL_SECONDS", "-1"),
        ("INGRESS_LOG_INTERVAL_SECONDS", "99999"),
        ("INGRESS_LOG_INTERVAL_SECONDS", "9" * 5000),
        ("INGRESS_LOG_REQUESTS_PER_INTERVAL", "ten"),
        ("INGRESS_LOG_REQUESTS_PER_INTERVAL", "--1"),
        ("INGRESS_LOG_REQUESTS_PER_INTERVAL", "\u0665"),
        ("FELIX_DIAL_TARGET", "tcp:1.2.3.4:80"),
        ("FELIX_DIAL_TARGET", "relative"),
        ("FELIX_DIAL_TARGET", "/" + "x" * 200),
        ("LOG_LEVEL", "loud"),
    ],
)
def test_nonsense_is_refused_by_the_name_of_its_variable(name, text):
    with pytest.raises(UsageError, match=name):
        settings_of({name: text})
