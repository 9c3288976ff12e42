"""`unmasq explain`: what it prints can steer no terminal."""

import json


def test_a_program_gets_the_headers_without_characters_that_steer_a_terminal(unmasq, tmp_path):
    hostile = "\x9b31m\u202e\x7f"
    payload = {"source_port": 1, "destination_ip": "10.0.0.1", "destination_port": 80, "source_ip": "192.0.2.1"}
    payload |= {"x-forwarded-for": hostile, "x-real-ip": "-"}
    log = tmp_path / "log"
    log.write_text(f"unmasq: {json.dumps(payload, ensure_ascii=False)}\n")
    ended = unmasq("explain", "--input", str(log), "-o", "jsonl")
    assert not set(hostile) & set(ended.out) - set("31m")
    assert json.loads(ended.out)["claims"][0]["raw"] == hostile
