"""`unmasq schema flow`: what is stored is what the schema says."""

import json

from unmasq.cli.schema import flow_schema


def test_the_schema_is_printed(unmasq):
    ended = unmasq("schema", "flow")
    assert ended.code == 0
    assert json.loads(ended.out) == flow_schema()


def test_addresses_are_mapped_to_ecs():
    properties = {name: value for part in flow_schema()["$defs"].values() for name, value in part["properties"].items() if "x-ecs" in value}
    assert {name: properties[name]["x-ecs"] for name in ("client", "source_ip", "nat_source_ip", "original_source_ips")} == {
        "client": "client.ip",
        "source_ip": "source.ip",
        "nat_source_ip": "source.nat.ip",
        "original_source_ips": "network.forwarded_ip",
    }


def test_the_old_fields_are_titled_unverified():
    flow = flow_schema()["$defs"]["Flow"]["properties"]
    assert flow["original_source_ips"]["title"] == "claimed in headers (Calico-compatible, unverified)"
    assert "unverified" in flow["num_original_source_ips"]["title"]


def test_a_stored_flow_has_the_fields_of_the_schema(unmasq, at_rest):
    schema = flow_schema()["$defs"]
    flow = json.loads(unmasq("flows", "--store", at_rest, "-o", "jsonl", "--limit", 1).out)
    assert set(flow) == set(schema["Flow"]["properties"])
    assert set(flow["unmasq"]) == set(schema["Unmasq"]["properties"])
    assert set(flow["unmasq"]["chains"][0]) == set(schema["Chain"]["properties"])
