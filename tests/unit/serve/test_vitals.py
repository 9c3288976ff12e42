"""When nodes lost something, told from counters that only ever grow."""

from unmasq.base.clock import MICROSECONDS
from unmasq.base.moments import text
from unmasq.find.completeness import GONE_US
from unmasq.serve.vitals import MOST_CHANGES, MOST_NODES, Vitals

T0 = 1_800_000_000_000_000
S = MICROSECONDS
STARTED = text(T0)


def test_a_loss_belongs_to_the_time_between_two_words_of_a_node():
    vitals = Vitals()
    for seconds, lost in ((15, 0), (30, 2), (45, 2)):
        vitals.note("a", STARTED, {"syslog_lost{full}": lost, "lines_read": 9}, T0 + seconds * S)
    assert vitals.dropped(T0 + 20 * S, T0 + 60 * S) == {"a": {"syslog_lost{full}": 2}}
    assert vitals.dropped(T0 + 31 * S, T0 + 60 * S) == {}
    assert vitals.dropped(T0, T0 + 15 * S) == {}
    assert vitals.dropped(None, T0 + 60 * S) == {"a": {"syslog_lost{full}": 2}}


def test_what_a_node_lost_before_it_was_first_heard_was_lost_since_its_start():
    vitals = Vitals()
    vitals.note("a", STARTED, {"conntrack_lost": 5}, T0 + 600 * S)
    assert vitals.dropped(T0 + S, T0 + 2 * S) == {"a": {"conntrack_lost": 5}}
    assert vitals.dropped(T0 + 601 * S, T0 + 700 * S) == {}


def test_a_process_that_starts_again_counts_from_nothing():
    vitals = Vitals()
    vitals.note("a", STARTED, {"conntrack_lost": 5}, T0 + 10 * S)
    vitals.note("a", text(T0 + 20 * S), {"conntrack_lost": 3}, T0 + 30 * S)
    assert vitals.dropped(None, T0 + 60 * S) == {"a": {"conntrack_lost": 8}}
    assert vitals.dropped(T0 + 15 * S, T0 + 60 * S) == {"a": {"conntrack_lost": 3}}
    assert vitals.signs()["a"] == (T0 + 20 * S, T0 + 30 * S)


def test_what_the_spool_gave_up_was_lost_and_what_was_read_was_not():
    vitals = Vitals()
    vitals.note("a", STARTED, {"spool_dropped_lines{full}": 4, "lines_rejected{bad_json}": 9}, T0 + S)
    assert vitals.dropped(None, T0 + 2 * S) == {"a": {"spool_dropped_lines{full}": 4}}


def test_a_start_that_is_no_time_is_now():
    vitals = Vitals()
    vitals.note("a", "\x1b[31m", {}, T0)
    vitals.note("b", "2999-01-01T00:00:00Z", {}, T0)
    assert vitals.signs() == {"a": (T0, T0), "b": (T0, T0)}


def test_the_memory_of_it_is_bounded_and_forgets_no_loss():
    vitals = Vitals()
    for number in range(4 * MOST_CHANGES):
        vitals.note("a", STARTED, {"conntrack_lost": number + 1}, T0 + number * S)
    assert vitals.dropped(None, T0 + 1000 * S) == {"a": {"conntrack_lost": 4 * MOST_CHANGES}}
    assert sum(vitals.dropped(T0 + (3 * MOST_CHANGES + 10) * S, T0 + 1000 * S)["a"].values()) < MOST_CHANGES
    for number in range(MOST_NODES + 10):
        vitals.note(f"n{number}", STARTED, {}, T0)
    assert len(vitals.signs()) == MOST_NODES


def test_a_node_that_is_gone_is_forgotten():
    vitals = Vitals()
    vitals.note("a", STARTED, {}, T0)
    vitals.note("b", STARTED, {}, T0 + GONE_US + S)
    assert list(vitals.signs()) == ["b"]
