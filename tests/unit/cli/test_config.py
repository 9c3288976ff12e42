"""`unmasq config`: settings with their origin, safe templates, and a trust list that warns and never asks."""

import json
import re

import pytest

from unmasq.cli.templates import TEMPLATES
from unmasq.read.formats.payload import read_payload
from unmasq.read.formats.record import KEYS

MARKER = "tigera_secure_ee_ingress: "

HOWTO = "source_port destination_ip destination_port source_ip x-forwarded-for x-real-ip protocol ts"
EXTENDED = (
    f"{HOWTO} duration connection_time connection connection_requests proxy_protocol_ip proxy_protocol_port method host uri "
    "status bytes_in bytes_out user_agent upstream request_id namespace ingress service"
)
OF_APACHE = f"{HOWTO} forwarded cf-connecting-ip true-client-ip method host uri status bytes_out user_agent"
MARKED = {
    "nginx": f"{EXTENDED} route",
    "ingress-nginx": f"{EXTENDED} route",
    "nginx-inc": EXTENDED,
    "apache": OF_APACHE,
}
"""Proxies whose template has our marker, and the keys of it."""


def payloads_of(name):
    lines = [line for line in TEMPLATES[name].splitlines() if MARKER in line]
    return [(line[line.index(MARKER) :].rpartition("}")[0] + "}").replace('\\"', '"') for line in lines]


@pytest.mark.parametrize("name", MARKED)
def test_a_template_has_every_key_in_order_and_every_value_quoted(name):
    payloads = payloads_of(name)
    assert payloads
    for payload in payloads:
        pairs = json.loads(payload.removeprefix(MARKER), object_pairs_hook=list)
        assert [key for key, _ in pairs] == MARKED[name].split()
        assert all(isinstance(value, str) for _, value in pairs)
        assert not read_payload(payload.encode()).reject


HAPROXY = ("haproxy", "openshift-router")


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_template_is_printed_as_it_is_and_says_what_it_does(unmasq, name):
    assert unmasq("config", "template", name).out == TEMPLATES[name]
    assert TEMPLATES[name].startswith("# ")


@pytest.mark.parametrize(
    ("name", "escaping"),
    [
        ("nginx", "escape=json"),
        ("ingress-nginx", 'log-format-escape-json: "true"'),
        ("nginx-inc", 'log-format-escaping: "json"'),
        ("envoy", "json_format:"),
        ("traefik", "format: json"),
        ("caddy", "format json"),
    ],
)
def test_a_template_sets_the_escaping_that_is_safe(name, escaping):
    assert escaping in TEMPLATES[name]


@pytest.mark.parametrize("name", ["ingress-nginx", "nginx-inc"])
def test_the_how_to_s_file_is_named_beside_what_keeps_stdout(name):
    line = next(line for line in TEMPLATES[name].splitlines() if "/var/log/calico/ingress/ingress.log" in line)
    assert line.lstrip().startswith("#")


def test_envoy_is_set_up_in_the_same_way_by_each_of_its_controllers():
    documents = TEMPLATES["envoy"].split("---\n")
    assert [re.findall(r"^kind: (\w+)$", document, re.MULTILINE) for document in documents] == [
        [], ["EnvoyProxy"], ["ConfigMap"], ["IstioOperator"], ["Telemetry"],
    ]  # fmt: skip
    fields = [dict(re.findall(r"""^ *(?:- ")?([\w-]+)(?:: "|=)(%.*%)"$""", document, re.MULTILINE)) for document in documents[:4]]
    assert fields[0] == fields[1] == fields[3]
    assert fields[0].keys() - fields[2].keys() == {"destination_ip", "destination_port"}  # Contour has no word for them
    assert "source_ip" in fields[2]


@pytest.mark.parametrize("name", HAPROXY)
def test_haproxy_s_keys_are_in_order_and_every_value_is_quoted(name):
    keys, values = zip(*decoded(name), strict=True)
    assert list(keys[:6]) == HOWTO.split()[:6]
    assert KEYS.issuperset(keys)
    assert all(isinstance(value, str) for value in values)
    assert not read_payload(payload_of(name).replace("\\", "").encode()).reject


def payload_of(name):
    line = next(line for line in TEMPLATES[name].splitlines() if MARKER in line)
    return line[line.index(MARKER) :].rpartition("}")[0] + "}"


def decoded(name):
    r"""Key and value; `\\\\` is for HAProxy, whose lines hold what it makes of that."""
    return json.loads(payload_of(name).partition(": ")[2].replace("\\", ""), object_pairs_hook=list)


@pytest.mark.parametrize("name", HAPROXY)
def test_haproxy_escapes_whatever_a_client_writes_and_says_what_it_captured(name):
    values = dict(decoded(name))
    assert [values[key].endswith("json(ascii)]") for key in HOWTO.split()[4:6]] == [True, True]
    assert "x-forwarded-for:" in values["captured"]
    for variable in ("host", "path", "agent") if name == "haproxy" else ():
        assert any(f"set-var(txn.{variable})" in line and "json(ascii)" in line for line in TEMPLATES[name].splitlines())


def test_the_router_is_told_the_same_lengths_everywhere():
    page = TEMPLATES["openshift-router"]
    captures = dict(re.findall(r"- name: (.*)\n *maxLength: ([0-9]+)", page))
    assert f"ROUTER_CAPTURE_HTTP_REQUEST_HEADERS={','.join(f'{name}:{most}' for name, most in captures.items())}\n" in page
    assert dict(decoded("openshift-router"))["captured"] == ";".join(f"{n.lower()}:{m}" for n, m in list(captures.items())[:2])
    (quoted,) = re.findall(r"ROUTER_SYSLOG_FORMAT=(.*)", page)
    assert json.loads(quoted) == payload_of("openshift-router")


def test_an_unknown_template_is_wrong_use(unmasq):
    ended = unmasq("config", "template", "iis")
    assert ended.code == 2
    assert 'Choose from: "nginx", "ingress-nginx"' in ended.err


@pytest.fixture
def toml(tmp_path):
    def written(text):
        (tmp_path / "unmasq.toml").write_text(text)
        return tmp_path / "unmasq.toml"

    return written


def effective(unmasq, *tokens):
    ended = unmasq("config", "view", *tokens, "-o", "json")
    assert ended.code == 0, ended.err
    return {row["setting"]: (row["value"], row["from"]) for row in json.loads(ended.out)}


def test_the_environment_wins_over_the_file_and_the_file_over_the_default(unmasq, toml, monkeypatch):
    path = toml('store = "/a"\noutput = "json"\n[flows]\nlimit = 5\n')
    monkeypatch.setenv("UNMASQ_LIMIT", "7")
    seen = effective(unmasq, "flows", "--config", path)
    assert seen["store"] == ("/a", str(path))
    assert seen["limit"] == ("7", "UNMASQ_LIMIT of the environment")
    assert seen["after"] == (None, "default")


def test_flags_win_over_everything(unmasq, at_rest, toml, monkeypatch):
    path = toml(f'store = "{at_rest}"\noutput = "json"\n')
    monkeypatch.setenv("UNMASQ_LIMIT", "1")
    assert len(json.loads(unmasq("flows", "--config", path).out)["flows"]) == 1
    assert len(json.loads(unmasq("flows", "--config", path, "--limit", "3").out)["flows"]) == 3


def test_the_file_itself_may_come_from_the_environment(unmasq, at_rest, toml, monkeypatch):
    monkeypatch.setenv("UNMASQ_CONFIG", str(toml(f'[flows]\nstore = "{at_rest}"\noutput = "csv"\n')))
    assert unmasq("flows").out.startswith("time,source,client")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('stroe = "x"', "did you mean store?"),
        ("[flwos]\nlimit = 1", "did you mean flows?"),
        ("[flows]\nlimti = 1", "did you mean limit?"),
        ("[flows", "is no TOML"),
        ("[flows]\nlimit = 'many'", 'unable to convert "many" into int'),
    ],
)
def test_settings_that_cannot_be_are_refused_with_what_was_perhaps_meant(unmasq, at_rest, toml, text, sentence):
    ended = unmasq("flows", "--store", at_rest, "--config", toml(text))
    assert (ended.code, ended.out) == (2, "")
    assert sentence in ended.err


def test_a_missing_file_is_wrong_use(unmasq, at_rest, tmp_path):
    ended = unmasq("flows", "--store", at_rest, "--config", tmp_path / "none")
    assert (ended.code, "cannot read the settings" in ended.err) == (2, True)


def test_the_trust_list_is_added_to_listed_and_cut(unmasq, tmp_path):
    store = tmp_path / "store"
    added = unmasq("config", "trust", "add", "edge-lb", "203.0.113.20", "--store", store)
    assert (added.code, added.out.split()) == (0, ["edge-lb", "203.0.113.20", "x-forwarded-for"])
    assert "warning" not in added.err
    assert f"unmasq rejudge --store {store}" in added.err
    unmasq("config", "trust", "add", "cdn", "2001:db8:cd::/48", "--header", "CF-Connecting-IP", "--store", store)
    listed = json.loads(unmasq("config", "trust", "list", "--store", store, "-o", "json").out)
    assert listed["version"] == 2
    assert [tuple(proxy.values()) for proxy in listed["proxies"]] == [
        ("edge-lb", "203.0.113.20", "x-forwarded-for"),
        ("cdn", "2001:db8:cd::/48", "cf-connecting-ip"),
    ]
    removed = unmasq("config", "trust", "remove", "cdn", "--store", store)
    assert removed.out.split() == ["edge-lb", "203.0.113.20", "x-forwarded-for"]


@pytest.mark.parametrize(
    ("range_", "warnings"),
    [("203.0.113.0/24", 0), ("10.0.0.7", 0), ("10.0.0.0/24", 1), ("8.0.0.0/9", 1), ("10.0.0.0/8", 2), ("2001::/16", 1),
     ("fd00::/64", 1)],
)  # fmt: skip
def test_wide_and_private_ranges_are_warned_of_and_added(unmasq, tmp_path, range_, warnings):
    ended = unmasq("config", "trust", "add", "x", range_, "--store", tmp_path / "store")
    assert ended.code == 0
    assert ended.err.count("warning: ") == warnings
    assert ended.err.count("these machines must write x-forwarded-for on every request") == warnings
    assert ended.out


@pytest.mark.parametrize(
    ("tokens", "sentence"),
    [
        (("add", "x", "10.0.0.0/33"), "not an address or range"),
        (("add", "x", "10.0.0.1", "--header", "x-foo"), "unknown header 'x-foo'"),
        (("add", " ", "10.0.0.1"), "a trusted proxy needs a name"),
        (("add", "x"), "which machines are x?"),
        (("add", "x", "203.0.113.9", "0.0.0.0/0"), "0.0.0.0/0 is not a network of proxies"),
        (("add", "x", "::/0"), "the clients themselves are in it"),
        (("preset", "aws-alb"), "which subnets is the load balancer in?"),
        (("preset", "aws-alb", "--subnet", "10.0.0.0/16"), "10.0.0.0/16 looks like a whole VPC"),
        (("preset", "google-lb"), "which address does its forwarding rule have?"),
        (("preset", "cdn", "x", "--header", "cf-connecting-ip", "--ranges-file", "/nowhere"), "cannot read the ranges in /nowhere"),
        (("preset", "cdn", "x", "--header", "cf-connecting-ip", "--ranges-file", "/dev/null"), "a list of 0 ranges"),
        (("remove", "nobody"), "no trusted proxy is called 'nobody'"),
    ],
)
def test_what_cannot_be_trusted(unmasq, tmp_path, tokens, sentence):
    ended = unmasq("config", "trust", *tokens, "--store", tmp_path / "store")
    assert (ended.code, ended.out) == (2, "")
    assert sentence in ended.err


def test_several_ranges_are_one_change_of_the_list(unmasq, tmp_path):
    where = ("--store", tmp_path / "store", "-o", "json")
    added = json.loads(unmasq("config", "trust", "add", "edge", "203.0.113.20", "2001:db8::20", "10.0.0.0/24", *where).out)
    assert (added["version"], len(added["proxies"]), len(added["warnings"])) == (1, 3, 1)


def test_a_preset_says_what_it_declares_what_it_replaces_and_what_it_cannot_do(unmasq, tmp_path):
    store = tmp_path / "store"
    unmasq("config", "trust", "add", "edge", "203.0.113.20", "--store", store)
    first = unmasq("config", "trust", "preset", "aws-alb", "--subnet", "10.0.0.0/24", "--subnet", "10.0.1.0/24", "--store", store)
    assert (first.code, first.out.splitlines()[0].split()[0]) == (0, "edge")
    assert "aws-alb declares 10.0.0.0/24 for x-forwarded-for\naws-alb declares 10.0.1.0/24" in first.err
    assert "still yours to see to: everything else in these subnets is believed as well" in first.err
    assert ("trust list 2" in first.err, "no longer believes" in first.err) == (True, False)
    second = unmasq("config", "trust", "preset", "aws-alb", "--subnet", "10.0.1.0/24", "--store", store)
    assert "aws-alb no longer believes 10.0.0.0/24 for x-forwarded-for" in second.err
    assert ("trust list 3" in second.err, "aws-alb declares" in second.err) == (True, False)
    again = unmasq("config", "trust", "preset", "aws-alb", "--subnet", "10.0.1.0/24", "--store", store)
    assert "trust list 3" in again.err, "what is declared already makes no new version"
    assert [line.split()[:2] for line in again.out.splitlines()] == [["edge", "203.0.113.20"], ["aws-alb", "10.0.1.0/24"]]


def test_a_network_is_declared_from_the_file_that_it_publishes(unmasq, tmp_path):
    (tmp_path / "ranges").write_text("198.51.100.0/24\n2001:db8:cd::/48\n")
    words = ("cdn", "edge-cdn", "--ranges-file", tmp_path / "ranges", "--header", "CF-Connecting-IP", "--store", tmp_path / "store")
    ended = unmasq("config", "trust", "preset", *words)
    assert [line.split() for line in ended.out.splitlines()] == [
        ["edge-cdn", "198.51.100.0/24", "cf-connecting-ip"],
        ["edge-cdn", "2001:db8:cd::/48", "cf-connecting-ip"],
    ]
    assert "the key 'cf-connecting-ip' in the format" in ended.err


def test_a_list_of_no_store_is_an_error(unmasq, tmp_path):
    ended = unmasq("config", "trust", "list", "--store", tmp_path / "none")
    assert (ended.code, "there is no store" in ended.err) == (1, True)


def test_settings_of_no_verb(unmasq):
    ended = unmasq("config", "view", "nothing")
    assert (ended.code, "no settings of 'nothing'" in ended.err) == (2, True)
