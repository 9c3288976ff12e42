"""Credentials files: what a driver writes, and what anybody else might."""

import json
import os

import pytest

from unmasq.base.telemetry import Counters
from unmasq.observe.policy_sync.credentials import MOST_PODS, Credentials, Identity, NotUnderstood, identity_of

POD = Identity("0c1", "web-1", "shop", "default")


@pytest.mark.parametrize(
    "told",
    [
        {"Uid": "0c1", "Workload": "web-1", "Namespace": "shop", "ServiceAccount": "default"},
        {"UID": "0c1", "workload": "web-1", "NAMESPACE": "shop", "serviceAccount": "default", "Other": [1]},
    ],
)
def test_keys_come_in_any_case(told):
    assert identity_of(json.dumps(told).encode()) == POD


@pytest.mark.parametrize(
    "data",
    [
        b"", b"{", b"[]", b"null", b"\xff\xfe", b"[" * 100_000, b'{"Workload": "web-1"}', b'{"Workload": 1, "Namespace": "shop"}',
        b'{"Workload": "a b", "Namespace": "shop"}', b'{"Workload": "web/../1", "Namespace": "shop"}',
        b'{"Workload": "web\\u0000", "Namespace": "shop"}', b'{"Workload": "web", "Namespace": "' + b"x" * 300 + b'"}',
    ],
)  # fmt: skip
def test_what_is_no_identity(data):
    with pytest.raises(NotUnderstood, match=r"^it"):
        identity_of(data)


WHY = {
    '{"Uid": "1",': "is not understood: it is no JSON",
    "": "is not understood: it is empty",
    "[]": "is not understood: it is no JSON object",
    '{"Namespace": "shop"}': "is not understood: it names no Workload",
    '{"Workload": "web-1"}': "is not understood: it names no Namespace",
    '{"Workload": "a\\u001bb", "Namespace": "shop"}': r'is not understood: its Workload is no name: "a\u001bb"',
}


@pytest.mark.parametrize(("data", "why"), WHY.items())
def test_which_file_is_of_no_use_is_told_with_the_reason_while_it_is_so(tmp_path, data, why):
    (tmp_path / "good.json").write_text('{"Workload": "web-1", "Namespace": "shop"}')
    (tmp_path / "bad.json").write_text(data)
    credentials = Credentials(tmp_path, Counters())
    assert list(credentials.read()) == ["good"]
    assert credentials.troubles == [f"bad.json {why}"]
    (tmp_path / "bad.json").unlink()
    credentials.read()
    assert credentials.troubles == []


def test_what_is_passed_over_is_told(tmp_path):
    (tmp_path / "link.json").symlink_to("elsewhere")
    (tmp_path / "a\x1b b.json").touch()
    credentials = Credentials(tmp_path, Counters())
    credentials.read()
    assert credentials.troubles == [
        "link.json cannot be read: it is a link",
        r"a\x1b b.json is passed over: that is no name for a volume",
    ]
    gone = Credentials(tmp_path / "creds", Counters())
    gone.read()
    assert gone.troubles == [f"{tmp_path}/creds cannot be listed: No such file or directory"]


def test_files_come_change_and_go(tmp_path):
    counters = Counters()
    credentials = Credentials(tmp_path, counters)
    assert credentials.read() == {}
    (tmp_path / "a.json").write_text('{"Workload": "web-1", "Namespace": "shop"}')
    (tmp_path / "half.json").write_text('{"Workload": "we')
    for _ in range(3):
        assert credentials.read() == {"a": Identity("", "web-1", "shop", "")}
    assert counters.of("policy_sync_credentials_refused", "garbage") == 1
    (tmp_path / "half.json").write_text('{"Workload": "web-2", "Namespace": "shop"}')
    (tmp_path / "a.json").unlink()
    assert credentials.read() == {"half": Identity("", "web-2", "shop", "")}


def test_what_is_no_plain_file_is_neither_opened_nor_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.json")
    (tmp_path / "folder.json").mkdir()
    secret = tmp_path / "secret"
    secret.write_text('{"Workload": "web-1", "Namespace": "shop"}')
    (tmp_path / "link.json").symlink_to(secret)
    (tmp_path / ".hidden.json").write_text(secret.read_text())
    counters = Counters()
    assert Credentials(tmp_path, counters).read() == {}
    assert counters.of("policy_sync_credentials_refused", "garbage") == 2
    assert counters.of("policy_sync_credentials_refused", "ELOOP") == 1
    assert counters.of("policy_sync_credentials_refused", "name") == 1


def test_so_many_pods_and_no_more(tmp_path):
    for number in range(MOST_PODS + 3):
        (tmp_path / f"pod-{number:04}.json").write_text('{"Workload": "web-1", "Namespace": "shop"}')
    counters = Counters()
    credentials = Credentials(tmp_path, counters)
    for _ in range(2):
        assert len(credentials.read()) == MOST_PODS
    assert counters.of("policy_sync_credentials_refused", "too_many") == 3


def test_a_folder_that_is_gone_is_counted(tmp_path):
    counters = Counters()
    assert Credentials(tmp_path / "creds", counters).read() == {}
    assert counters.of("policy_sync_folder_failed", "ENOENT") == 1
