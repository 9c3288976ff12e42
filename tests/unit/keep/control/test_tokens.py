"""Tokens are made, known at once everywhere, and gone at once; what is kept of them opens nothing."""

import threading

import pytest

from unmasq.base.errors import StoreError, UsageError
from unmasq.base.secretfile import secret
from unmasq.keep.control.tokens import NAME, Tokens


def test_a_token_is_good_for_its_use_until_it_is_revoked(tmp_path):
    server, operator = Tokens(tmp_path), Tokens(tmp_path)
    assert server.use_of("anything") is None
    node, reader = operator.create("node-1", "node", 5), operator.create("me", "read", 6)
    assert (server.use_of(node), server.use_of(reader), server.use_of(node + "x")) == ("node", "read", None)
    assert [(token.name, token.use, token.made_us) for token in server.all()] == [("node-1", "node", 5), ("me", "read", 6)]
    operator.revoke("node-1")
    assert (server.use_of(node), server.use_of(reader)) == (None, "read")


def test_the_file_tells_no_token(tmp_path):
    text = Tokens(tmp_path).create("node-1", "node", 0)
    kept = tmp_path / NAME
    assert text not in kept.read_text()
    assert kept.stat().st_mode & 0o077 == 0


def test_names_are_unique(tmp_path):
    Tokens(tmp_path).create("a", "node", 0)
    with pytest.raises(UsageError, match="already"):
        Tokens(tmp_path).create("a", "read", 0)
    with pytest.raises(UsageError, match="no token"):
        Tokens(tmp_path).revoke("b")


def test_two_at_once_lose_nothing(tmp_path):
    makers = [threading.Thread(target=Tokens(tmp_path).create, args=(f"t{number}", "node", 0)) for number in range(12)]
    for maker in makers:
        maker.start()
    for maker in makers:
        maker.join()
    assert len(Tokens(tmp_path).all()) == 12


def test_a_damaged_file_lets_nobody_in(tmp_path):
    (tmp_path / NAME).write_text("{")
    with pytest.raises(StoreError, match="tokens"):
        Tokens(tmp_path).use_of("anything")


@pytest.mark.parametrize(("content", "token"), [("abc\n", "abc"), (" abc \r\nmore", "abc")])
def test_a_token_is_the_first_line_of_its_file(tmp_path, content, token):
    (tmp_path / "token").write_text(content)
    assert secret(tmp_path / "token") == token


@pytest.mark.parametrize("content", [b"", b"\n", b"\xff\xfe", "tök".encode(), b"a\x00b"])
def test_a_file_without_a_token_is_said(tmp_path, content):
    (tmp_path / "token").write_bytes(content)
    with pytest.raises(UsageError, match="token"):
        secret(tmp_path / "token")
    with pytest.raises(UsageError, match="cannot read"):
        secret(tmp_path / "none")
