"""A container's log named with --input: recognised by its first lines, and by where it lies."""

import json

import pytest

PAYLOAD = 'unmasq: {"source_port": 4711, "destination_ip": "10.0.0.1", "destination_port": 80, "source_ip": "192.0.2.7"}'
STAMP = "2026-11-25T08:00:00.123456789Z"
FRAMED = f"{STAMP} stdout P {PAYLOAD[:60]}\n{STAMP} stderr F [warn] x\n{STAMP} stdout F {PAYLOAD[60:]}\n"


@pytest.fixture
def log(tmp_path):
    folder = tmp_path / "pods" / "shop_web-7d5f8c9b4-x2x9k_0b9f" / "nginx"
    folder.mkdir(parents=True)
    (folder / "0.log").write_text(FRAMED)
    link = tmp_path / "web_shop_nginx-0a.log"
    link.symlink_to(folder / "0.log")
    return link


def test_explain_reads_what_stands_in_the_frames(unmasq, log):
    ended = unmasq("explain", "--input", log, "-o", "jsonl")
    told = [json.loads(line) for line in ended.out.splitlines()]
    assert [(line["source"], line["reject"]) for line in told] == [(None, "no_address"), ("192.0.2.7", None)]


def test_flows_name_the_pod_and_are_found_by_it(unmasq, log, tmp_path):
    store = tmp_path / "store"
    assert unmasq("run", "--once", "--input", log, "--store", store).code == 0
    assert "read 0 lines" in unmasq("run", "--once", "--input", log, "--store", store).err
    for flags in (("-n", "shop"), ("--to-pod", "web-*"), ("--to-namespace", "sh?p", "--to-pod", "web-7d5f8c9b4-x2x9k"), ()):
        (flow,) = json.loads(unmasq("flows", "--store", store, "-o", "json", *flags).out)["flows"]
        assert (flow["dest_namespace"], flow["dest_name"], flow["dest_name_aggr"], flow["dest_type"]) == (
            "shop", "web-7d5f8c9b4-x2x9k", "web-7d5f8c9b4-*", "wep",
        )  # fmt: skip
        assert flow["unmasq"]["time_source"] == "log"
    for flags in (("-n", "web"), ("--to-pod", "shop"), ("-n", "shop", "--to-pod", "db")):
        assert json.loads(unmasq("flows", "--store", store, "-o", "json", *flags).out)["flows"] == []


def test_a_last_line_without_its_end_is_read_as_it_is(unmasq, tmp_path):
    log = tmp_path / "0.log"
    log.write_text(f"{STAMP} stdout F {PAYLOAD}\n{STAMP} stdout P {PAYLOAD[:-1]}")
    ended = unmasq("explain", "--input", log, "-o", "jsonl")
    assert [json.loads(line)["reject"] for line in ended.out.splitlines()] == [None, "bad_json"]
