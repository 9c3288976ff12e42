"""`unmasq token`: where a new token goes, and what never happens to one that is there."""

import os

import pytest

from unmasq.base import secretfile
from unmasq.keep.control.tokens import Tokens
from unmasq.keep.duck import DuckStore


@pytest.fixture
def store(tmp_path):
    with DuckStore(tmp_path / "store"):
        pass
    return tmp_path / "store"


def role(store, text):
    found = Tokens(store).find(text, 2**60)
    return found.role if found else None


def test_a_token_may_be_there_before_its_store(unmasq, tmp_path):
    ended = unmasq("token", "add", "me", "--store", tmp_path / "new")
    assert ended.code == 0
    assert f"there is no store in {tmp_path / 'new'} yet" in ended.err
    assert role(tmp_path / "new", ended.out.strip()) == "see"


def test_the_list_says_who_may_what_until_when(unmasq, store):
    Tokens(store).add("me", "admin", 0)
    assert unmasq("token", "add", "visitor", "--for", "1w", "--store", store).code == 0
    mine, visitors = unmasq("token", "list", "--store", store).out.splitlines()
    assert mine.split() == ["me", "admin", "1970-01-01T00:00:00.000000Z", "for", "ever"]
    assert visitors.split()[:2] == ["visitor", "see"]
    assert " until 2" in visitors


def test_a_token_goes_into_a_new_file_that_only_its_user_can_read(unmasq, store, tmp_path):
    ended = unmasq("token", "add", "--role", "node", "node 1", "--store", store, "--file", tmp_path / "node.token")
    assert (ended.code, ended.out) == (0, "")
    assert (tmp_path / "node.token").stat().st_mode & 0o777 == 0o600
    assert role(store, secretfile.secret(tmp_path / "node.token")) == "node"
    assert f"unmasq token revoke 'node 1' --store {store}" in ended.err


def test_one_that_is_there_is_left_alone_and_no_token_is_made(unmasq, store, tmp_path):
    (tmp_path / "node.token").write_text("good")
    ended = unmasq("token", "add", "--role", "node", "node-1", "--store", store, "--file", tmp_path / "node.token")
    assert (ended.code, (tmp_path / "node.token").read_text(), Tokens(store).all()) == (2, "good", [])
    assert "is there already" in ended.err


def test_nothing_is_written_where_no_token_is_made(unmasq, store, tmp_path):
    Tokens(store).add("node-1", "node", 0)
    assert unmasq("token", "add", "--role", "node", "node-1", "--store", store, "--file", tmp_path / "node.token").code == 2
    assert not (tmp_path / "node.token").exists()


def test_a_token_that_cannot_be_written_is_none(unmasq, store, tmp_path, monkeypatch):
    making = Tokens.add

    def into_a_full_disk(*told):
        monkeypatch.setattr(os, "fsync", full)
        return making(*told)

    def full(file):
        if (tmp_path / "node.token").stat().st_ino == os.fstat(file).st_ino:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(Tokens, "add", into_a_full_disk)
    ended = unmasq("token", "add", "--role", "node", "node-1", "--store", store, "--file", tmp_path / "node.token")
    assert (ended.code, Tokens(store).all(), (tmp_path / "node.token").exists()) == (1, [], False)
    assert "No space left on device" in ended.err


@pytest.mark.parametrize("verb", [("revoke", "a"), ("list",)])
def test_a_folder_that_is_no_store_is_not_made_one(unmasq, tmp_path, verb):
    ended = unmasq("token", *verb, "--store", tmp_path / "typo")
    assert (ended.code, ended.out, (tmp_path / "typo").exists()) == (1, "", False)
    assert ended.err.startswith(f"there is no store in {tmp_path / 'typo'}")


def test_the_form_of_answers_that_is_set_is_no_file(unmasq, store, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "settings.toml").write_text('output = "csv"')
    monkeypatch.setenv("UNMASQ_OUTPUT", "json")
    ended = unmasq("token", "add", "--role", "node", "a", "--store", store, "--config", tmp_path / "settings.toml")
    assert (ended.code, sorted(path.name for path in tmp_path.iterdir())) == (0, ["settings.toml", "store"])
    assert role(store, ended.out.strip()) == "node"
