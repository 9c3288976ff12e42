"""Tokens are made, known at once everywhere, and gone at once; what is kept of them opens nothing."""

import threading

import pytest

from unmasq.base.errors import StoreError, UsageError
from unmasq.base.secretfile import secret
from unmasq.keep.control.tokens import NAME, Tokens


def role(tokens: Tokens, text: str) -> str | None:
    found = tokens.find(text, 9)
    return found.role if found else None


def test_a_token_is_good_for_its_role_until_it_is_revoked(tmp_path):
    server, operator = Tokens(tmp_path), Tokens(tmp_path)
    assert server.find("anything", 9) is None
    node, reader = operator.add("node-1", "node", 5), operator.add("me", "see", 6)
    assert [role(server, text) for text in (node, reader, node + "x")] == ["node", "see", None]
    assert [(token.name, token.role, token.made_us) for token in server.all()] == [("node-1", "node", 5), ("me", "see", 6)]
    operator.revoke("node-1")
    assert [role(server, text) for text in (node, reader)] == [None, "see"]


def test_a_token_is_over_at_its_time(tmp_path):
    text = Tokens(tmp_path).add("visitor", "see", 5, until_us=10)
    assert [Tokens(tmp_path).find(text, now_us) is None for now_us in (5, 9, 10, 11)] == [False, False, True, True]


def test_one_that_is_over_is_none_to_start_with(tmp_path):
    tokens = Tokens(tmp_path)
    assert not tokens.has_any(0)
    tokens.add("me", "see", 0, 10)
    assert (tokens.has_any(9), tokens.has_any(10)) == (True, False)


def test_what_was_called_read_sees(tmp_path):
    text = Tokens(tmp_path).add("me", "see", 5)
    kept = tmp_path / NAME
    kept.write_text(kept.read_text().replace('"see"', '"read"'))
    assert role(Tokens(tmp_path), text) == "see"


def test_a_role_of_a_newer_version_lets_nobody_in(tmp_path):
    text = Tokens(tmp_path).add("me", "see", 5)
    kept = tmp_path / NAME
    kept.write_text(kept.read_text().replace('"see"', '"block"'))
    with pytest.raises(StoreError, match="tokens"):
        Tokens(tmp_path).find(text, 9)


def test_the_file_tells_no_token(tmp_path):
    text = Tokens(tmp_path).add("node-1", "node", 0)
    kept = tmp_path / NAME
    assert text not in kept.read_text()
    assert kept.stat().st_mode & 0o077 == 0


def test_names_are_unique(tmp_path):
    Tokens(tmp_path).add("a", "node", 0)
    with pytest.raises(UsageError, match="already"):
        Tokens(tmp_path).add("a", "see", 0)
    with pytest.raises(UsageError, match="no token"):
        Tokens(tmp_path).revoke("b")


def test_two_at_once_lose_nothing(tmp_path):
    makers = [threading.Thread(target=Tokens(tmp_path).add, args=(f"t{number}", "node", 0)) for number in range(12)]
    for maker in makers:
        maker.start()
    for maker in makers:
        maker.join()
    assert len(Tokens(tmp_path).all()) == 12


def test_a_damaged_file_lets_nobody_in(tmp_path):
    (tmp_path / NAME).write_text("{")
    with pytest.raises(StoreError, match="tokens"):
        Tokens(tmp_path).find("anything", 9)


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
