"""A proxy that changes its format while it runs: its lines are read on, and whoever looks can see what to change."""

import pytest

from tests.story.traffic import CLIENT, EDGE, NOON, SECOND, Story, connection, line
from tests.unit.find.test_ways import status
from unmasq.find.check import State
from unmasq.find.reading import reading
from unmasq.join.settings import WindowSettings
from unmasq.model.flowbatch import Join
from unmasq.model.ingress import Chunk, FileIdentity
from unmasq.node.desk import Desk

ENVOY = (
    '{"source_ip":"%s","source_port":4711,"destination_ip":"10.244.1.10","destination_port":80,"downstream_remote_ip":"%s",'
    '"downstream_remote_port":4711,"x-forwarded-for":"%s","start_time":"2026-11-21T12:00:01.5Z"}'
)
PLAIN = '198.51.100.10 - - [21/Nov/2026:12:00:02 +0000] "GET / HTTP/1.1" 200 6 "-" "curl"'


def looked_at(story: Story):
    told = {f"{name}{{{reason}}}" if reason else name: count for name, reason, count in story.counters.rows()}
    return {check.link: check for check in reading(status(told)) if check.state is not State.OK}


def test_lines_of_another_format_are_read_on_and_joined():
    story = Story(trust=[EDGE])
    story.tell(line(CLIENT, 4710, at=NOON))
    story.tell(ENVOY % (EDGE, EDGE, f"9.9.9.9, {CLIENT},{EDGE}"))
    story.tell(line(CLIENT, 4710, at=NOON + SECOND))
    story.kernel(connection((CLIENT, 4710), NOON - SECOND), connection((EDGE, 4711), NOON + SECOND, id_=2))
    batch = story.end()
    assert batch.flows.join.tolist() == [Join.EXACT, Join.EXACT]
    assert sorted(zip(batch.chains.client_lo.tolist(), batch.chains.requests.tolist(), strict=True)) == [
        (0xFFFF_C633_640A, 1),
        (0xFFFF_C633_640A, 2),
    ]
    assert story.counters.by_reason("lines_by_format") == {"envoy": 1, "marker": 2}
    assert story.counters.by_reason("format_changes") == {"marker to envoy": 1}
    assert looked_at(story)["format"].seen == "the format changed while a log was read: marker to envoy (1)"


def test_a_log_whose_marker_went_away_names_the_template_to_set():
    story = Story()
    story.tell(line(CLIENT, 4710))
    story.tell(PLAIN, PLAIN)
    found = looked_at(story)
    assert "marker to combined (1)" in found["format"].seen
    assert "unmasq config template nginx" in found["format"].next
    assert "2 of 3 lines came without our marker" in found["marker"].seen


@pytest.mark.parametrize(
    ("template", "link", "seen", "setting"),
    [
        (line(CLIENT, 1).replace('"destination_port": 80, ', ""), "format", "lacks destination_port (1 line)", "add it"),
        (line(CLIENT, 1).replace('"x-forwarded-for": "-", ', ""), "format", "lacks x-forwarded-for (1 line)", "add it"),
        (line(CLIENT, 1).replace(f'"source_ip": "{CLIENT}", ', ""), "lines", "1 no_source", "lacks source_ip"),
        (line(CLIENT, 1).replace('"-"', "curl", 1), "lines", "1 unquoted", "put quotes around each value"),
        (line(CLIENT, 1).replace("80", "[80]"), "lines", "1 bad_value", "has a type"),
        (ENVOY.replace('"source_ip":"%s",', "") % (EDGE, "-"), "lines", "1 no_source", "unmasq config template envoy"),
        (ENVOY.replace('"%s"', '["%s"]', 1) % (EDGE, EDGE, "-"), "lines", "1 bad_value", "unmasq config template envoy"),
    ],
)
def test_a_template_that_is_not_whole_is_named_with_what_to_change(template, link, seen, setting):
    story = Story()
    story.tell(template)
    check = looked_at(story)[link]
    assert seen in check.seen
    assert setting in check.next


def test_a_named_proxy_takes_no_line_of_another_format():
    story = Story()
    desk = Desk(WindowSettings(), story.counters, lambda: story.around, witnessed=False, began_us=NOON, format="envoy")
    lines = [ENVOY % (CLIENT, CLIENT, "-"), line(CLIENT, 4710), PLAIN, '{"ClientAddr":"1.1.1.1:1"}', "nothing", ""]
    desk.take_lines(Chunk(FileIdentity(1, 1, ""), "log", 0, "\n".join(lines).encode() + b"\n", live=True), NOON)
    assert story.counters.by_reason("lines_rejected") == {"other_format": 3, "no_address": 1, "blank": 1}
    assert "--format" in looked_at(story)["lines"].next


def test_what_a_collector_reports_lacks_nothing():
    story = Story()
    story.tell(line(CLIENT, 1).replace('"x-forwarded-for": "-"', '"reported_by": "shop/web-1"'))
    assert not story.counters.by_reason("lines_lacking")
