"""Command lines that cannot be understood: each is answered with what is wrong, why, and what to type instead."""

import pytest


@pytest.mark.parametrize(
    ("tokens", "words"),
    [
        (("trace", "1.1.1.1"), ("which store?", "unmasq trace needs a store", "--store DIR, or set UNMASQ_STORE")),
        (("config", "trust", "list"), ("which store?", "unmasq config trust list", "UNMASQ_STORE")),
        (("flows", "--store"), ("which store?", "--store stands without a directory", "UNMASQ_STORE")),
        (("doctor", "--test", "http://x/"), ("in which store?", "UNMASQ_STORE")),
        (("explain",), ("--input is missing", "unmasq explain --help")),
        (("run", "--store", "s"), ("nothing to read", "--input", "--pods")),
        (("run", "--store", "s", "--input", "-", "--retention-days", "-5"), ("not a number of days to keep: -5", "newest flow", "from 1")),
        (
            ("serve", "--store", "s", "--listen", "x", "--retention-days", "0"),
            ("not a number of days to keep: 0", "newest flow", "from 1 on"),
        ),
        (("run", "--store", "s", "--pods", "shop"), ("not a choice of pods: 'shop'", "NAMESPACE/POD")),
        (("run", "--store", "s", "--pods", "shop/*", "--once"), ("--once reads no pods", "--input")),
        (("run", "--store", "s", "--input", "l", "--sockets", "pods"), ("no log of a pod is read", "--pods", "/run/netns/pods")),
        (("flows", "--store", "s", "--limit"), ("--limit stands without a value", "unmasq flows --help")),
        (("trace", "1.1.1.1", "2.2.2.2", "--store", "s"), ("too much: 2.2.2.2", "one address", "--from-file LIST")),
        (("schema", "flow", "x"), ("too much: x", "unmasq schema flow --help")),
        (("flows", "--xyzzy", "--store", "s"), ("unknown flag: --xyzzy", "unmasq flows has no flag", "unmasq flows --help")),
        (("flows", "--cleint", "1.1.1.1", "--store", "s"), ("unknown flag: --cleint", "did you mean --client?")),
        (("--xyzzy",), ("unknown flag: --xyzzy", "behind it", "unmasq --help")),
        (("flos",), ('Did you mean "flows"?', "unmasq --help")),
    ],
)
def test_says_what_why_and_next(unmasq, monkeypatch, tokens, words):
    monkeypatch.delenv("UNMASQ_STORE", raising=False)
    ended = unmasq(*tokens)
    assert ended.code == 2
    assert [word for word in words if word not in ended.err] == []


def test_the_environment_names_the_store(unmasq, at_rest, monkeypatch):
    monkeypatch.setenv("UNMASQ_STORE", str(at_rest))
    assert unmasq("flows", "--limit", 1).code == 0


@pytest.mark.parametrize("verb", ["run", "trace", "flows", "rejudge", "doctor"])
def test_help_names_the_environment(unmasq, verb):
    assert "UNMASQ_STORE" in unmasq(verb, "--help").out
