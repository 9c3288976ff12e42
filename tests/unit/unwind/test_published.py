"""Lists of ranges as publishers have them; whole clouds and what is no list are refused."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unmasq.base.errors import UsageError
from unmasq.unwind.published import MOST, ranges_of

V4, V6 = "192.0.2.0/24", "2001:db8:cd::/48"
EVERYBODY = {"ip_prefix": "198.51.100.0/24", "region": "eu-west-1", "service": "EC2"}
FORMS = {
    "lines": f"# edge\n{V4}  # first\n\n{V6};\r\n{V4}\n",
    "a bare list": json.dumps([V4, V6]),
    "Cloudflare": json.dumps({"result": {"ipv4_cidrs": [V4], "ipv6_cidrs": [V6], "etag": "x"}, "success": True}),
    "Fastly": json.dumps({"addresses": [V4], "ipv6_addresses": [V6]}),
    "Imperva": json.dumps({"ipRanges": [V4], "ipv6Ranges": [V6], "res": 0}),
    "CloudFront": json.dumps({"CLOUDFRONT_GLOBAL_IP_LIST": [V4], "CLOUDFRONT_REGIONAL_EDGE_IP_LIST": [V6]}),
    "all of Amazon": json.dumps({
        "prefixes": [EVERYBODY, {"ip_prefix": V4, "service": "CLOUDFRONT"}],
        "ipv6_prefixes": [{"ipv6_prefix": V6, "service": "CLOUDFRONT"}],
    }),
    "Amazon, with those that face origins": json.dumps({
        "prefixes": [{"ip_prefix": "203.0.113.0/24", "service": "CLOUDFRONT"}, {"ip_prefix": V4, "service": "CLOUDFRONT_ORIGIN_FACING"}],
        "ipv6_prefixes": [{"ipv6_prefix": V6, "service": "CLOUDFRONT_ORIGIN_FACING"}],
    }),
    "all of Azure": json.dumps({"values": [
        {"name": "AzureCloud", "properties": {"addressPrefixes": ["198.51.100.0/24"]}},
        {"name": "AzureFrontDoor.Backend", "properties": {"addressPrefixes": [V4, V6]}},
    ]}),
}  # fmt: skip
REFUSED = {
    "no list of ranges": "{}",
    "no list of": '{"addresses": 7}',
    "is no range": '[["192.0.2.0/24"]]',
    "not an address or range": "192.0.2.0/24\nexample.com\n",
    "are no JSON": '{"addresses": ',
    "nothing that is marked as CloudFront's": json.dumps({"prefixes": [EVERYBODY]}),
    "without AzureFrontDoor.Backend": json.dumps({"values": [{"name": "AzureCloud"}, 7]}),
    "a list of 0 ranges": "# nothing\n",
    f"a list of {MOST + 1:,} ranges": "\n".join(f"2001:db8::{number:x}" for number in range(1, MOST + 2)),
}


@pytest.mark.parametrize("text", FORMS.values(), ids=FORMS)
def test_a_published_list_is_read(text):
    assert [each.text for each in ranges_of(text)] == [V4, V6]


@pytest.mark.parametrize(("what", "text"), REFUSED.items())
def test_what_is_no_list_of_a_network_is_refused(what, text):
    with pytest.raises(UsageError) as refused:
        ranges_of(text)
    assert what in f"{refused.value.what} {refused.value.why}"


values = st.recursive(st.none() | st.integers() | st.text(max_size=5), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner))
keys = st.sampled_from(["prefixes", "ipv6_prefixes", "values", "result", "addresses", "ipRanges", "CLOUDFRONT_GLOBAL_IP_LIST", "x"])


@given(st.one_of(st.text(), values.map(json.dumps), st.dictionaries(keys, values).map(json.dumps)))
def test_any_text_is_a_list_or_refused(text):
    try:
        assert ranges_of(text)
    except UsageError:
        return
