"""The C extension says what its twins in Python say, and refuses buffers that do not fit."""

import itertools
import json
import random
import time
from operator import itemgetter
from typing import cast

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from unmasq.model import native
from unmasq.model.ingress import Shape
from unmasq.read.formats.headers import header_texts
from unmasq.read.formats.layout import Layout
from unmasq.read.formats.steps import all_but, keys_of, literal, merged, number, only, pattern_of, program_of
from unmasq.read.formats.values import Listed, Spans
from unmasq.read.lines import hold_twice, line_bounds
from unmasq.unwind.claims import KINDS, claims_of

pytestmark = pytest.mark.needs("native")
NATIVE = cast("native.Native", native.NATIVE)  # where it is None no test here runs
OFTEN = settings(max_examples=3 * settings().max_examples)

# Lines: layouts, and lines that are nearly of them. Behind a number stands nothing that could be part of it.
NUMBERS = ["0", "7", "80", "9" * 10, "0.003", "1.2345", "9" * 10 + ".1"]
ODD_NUMBERS = ["080", "9" * 11, "1.23456", "1.", ".5", "-1", "00", "0x1", "1e3", ""]
mark = st.sampled_from([b'"', b'","b":"', b"] ", b"{", b"}", b"\xe9", b"]" * 300])
alphabet = st.sampled_from([b"a", b"ab-", b"0123456789", b"\x00\xff"])
limits = st.sampled_from([(0, 1 << 31), (1, (1 << 32) - 1), (0, 0), (2, 3), (3, 3), (1, 1)])
ending = st.sampled_from(["", "\n", "\n\n"]).map(str.encode)


@st.composite
def layouts(draw):
    """Steps, one of which is captured at least, and the layout of them."""
    steps, names = [literal(draw(mark))], iter("abcdefgh")
    for _ in range(draw(st.integers(1, 4))):
        key = draw(st.sampled_from([next(names), None])) if keys_of(steps) else next(names)
        run = draw(st.sampled_from([only(key, draw(alphabet), *draw(limits)), all_but(key, b'"]{}\xe9'), all_but(key, draw(alphabet))]))
        steps += [draw(st.sampled_from([run, number(key)] if key else [run])), literal(draw(mark))]
    steps = merged(steps)
    return steps, Layout(keys_of(steps), pattern_of(steps), program_of(steps), Shape.MARKER)


def text_of(step):
    """What is mostly of a step."""
    if step.literal:
        return st.just(step.literal)
    if not step.members:
        return st.sampled_from([*NUMBERS, *NUMBERS, *NUMBERS, *ODD_NUMBERS]).map(str.encode)
    members = sorted(step.members - set(b'"]{}\xe9')) or sorted(step.members)
    return st.lists(st.sampled_from(members), min_size=min(step.least, 3), max_size=min(step.most, 6)).map(bytes)


def lines_near(steps):
    whole = st.tuples(*map(text_of, steps)).map(b"".join)
    other = st.sampled_from([b"", b"\\", b"\x00", b'"', b"1", b"}"])
    changed = st.builds(
        lambda line, at, count, new: line[:at] + new + line[at + count :], whole, st.integers(0, 30), st.integers(0, 2), other
    )
    return st.lists(st.one_of(whole, whole, changed, st.just(b"")), min_size=1, max_size=12).map(b"\n".join)


@given(st.data())
def test_a_program_takes_what_the_pattern_takes(data):
    steps, layout = data.draw(layouts())
    lines = data.draw(lines_near(steps)) + data.draw(ending)
    starts, _ = line_bounds(lines)
    assume(len(starts))
    (odd, found), (odd_too, plain) = (layout.columns(lines, starts, twin) for twin in (NATIVE, None))
    assert odd.tolist() == odd_too.tolist()
    for key in layout.keys:
        assert list(found[key]) == list(plain.get(key, ())), key


lined = st.lists(st.sampled_from([b"\n", b"{", b"a", b"{a{", b"\r", b"\x00", b"a" * 40])).map(b"".join)


@given(lined)
def test_lines_end_where_python_finds_newlines(data):
    found, plain = line_bounds(data, NATIVE), line_bounds(data, None)
    assert [bound.tolist() for bound in found] == [bound.tolist() for bound in plain]
    found[1][-1:] += 1  # whoever asks for them may move the last end


def test_a_chunk_of_empty_lines_has_them_all():
    assert len(line_bounds(b"\n" * 100_000, NATIVE)[0]) == 100_000


@given(lined)
def test_a_byte_stands_twice_in_the_lines_in_which_python_counts_it(data):
    starts, ends = line_bounds(data, None)
    expected = [data[start:end].count(b"{") > 1 for start, end in zip(starts.tolist(), ends.tolist(), strict=True)]
    assert all(hold_twice(data, b"{", starts, twin).tolist() == expected for twin in (NATIVE, None))


# Values: where they stand in some data, in any order, over one another.
raw = st.one_of(
    st.sampled_from([b"", b"0", b"007", b"9" * 17, b"9" * 18, b"9" * 19, b"-1", b" 1", b"1 ", b"\xb2", b"1\x00", b"a" * 8, b"a" * 9]),
    st.lists(st.sampled_from([b"\\", b'"', b"\x1f", b"\x7f", b"\x80", b" ", b"~", b"a"]), max_size=4).map(b"".join),
    st.binary(max_size=40),
)


@st.composite
def columns(draw, count=1):
    """`count` columns of as many values: as spans, and listed."""
    pieces = draw(st.lists(raw, min_size=1, max_size=8))
    data = b"".join(pieces)
    bounds = [*itertools.pairwise([0, *itertools.accumulate(map(len, pieces))]), (0, len(data)), (len(data), len(data))]
    rows = draw(st.integers(0, 20))
    chosen = [draw(st.lists(st.sampled_from(bounds), min_size=rows, max_size=rows)) for _ in range(count)]
    arrays = [np.array(one, "i4").reshape(-1, 2).T.copy() for one in chosen]
    return [(Spans(NATIVE, data, *array), Listed([data[a:b] for a, b in one])) for array, one in zip(arrays, chosen, strict=True)]


def looked_up(values):
    kinds, numbers = values.dictionary()
    return [kinds[number] for number in numbers.tolist()]


@given(columns(), st.data())
def test_values_that_stand_in_the_data_are_those_one_by_one(both, data):
    (spans, listed), *_ = both
    assert looked_up(spans) == looked_up(listed)
    assert spans.dictionary()[0] == list(dict.fromkeys(listed.raw))
    assert spans.whole_numbers().tolist() == listed.whole_numbers().tolist()
    rows = np.array(data.draw(st.lists(st.integers(0, len(listed) - 1), max_size=5) if len(listed) else st.just([])), "i8")
    assert list(spans.take(rows)) == list(listed.take(rows))
    assert looked_up(spans.take(rows)) == list(listed.take(rows))


def test_nobody_can_make_values_that_meet_under_every_seed():
    """Bits that cancel one another out in a multiplication: 20,000 values in one place of a table took 200 times as long."""
    blocks = [random.Random(number).randbytes(16) for number in range(15)]
    twins = [bytes(byte ^ (0x80 if at in (7, 11, 15) else 0) for at, byte in enumerate(block)) for block in blocks]
    made = [b"".join(some) for some in itertools.islice(itertools.product(*zip(blocks, twins, strict=True)), 20_000)]
    any_ = [random.Random(number).randbytes(240) for number in range(20_000)]
    assert seconds_to_number(made) < 20 * seconds_to_number(any_)


def seconds_to_number(values):
    """The shortest of three attempts, in seconds of the processor."""
    ends = np.cumsum([len(value) for value in values]).astype("i4")
    begins = np.concatenate([np.zeros(1, "i4"), ends[:-1]])
    seconds = []
    for _ in range(3):
        began = time.process_time()
        assert len(Spans(NATIVE, b"".join(values), begins, ends).dictionary()[0]) == len(values)
        seconds.append(time.process_time() - began)
    return min(seconds)


@given(columns(count=3), st.integers(0, 3), st.sampled_from([{}, {"proxy-protocol": "-"}, {"a": "1", "b": "2"}]))
def test_header_texts_are_those_of_values_one_by_one(both, count, notes):
    names = ["x-forwarded-for", "x-real-ip", "forwarded"][:count]
    length = len(both[0][0])
    named = [dict(zip(names, map(itemgetter(way), both[:count]), strict=True)) for way in (0, 1)]
    found, plain = (list(header_texts(columns, notes, length)) for columns in named)
    assert all(list(json.loads(text or "{}")) == [*notes, *names] for text in found)
    assert found == plain


# Header texts as somebody hostile would have them.
address = st.ip_addresses().map(str)
wrapping = st.sampled_from(
    [
        "{}",
        "{}:443",
        "[{}]",
        "[{}]:443",
        '"{}"',
        ' \t"[{}]:1" ',
        "{}%eth0",
        "[{}%1]:2",
        "[{}",
        "{}]",
        "{}:",
        "{}:x",
        "0{}",
        "{}.",
        "::ffff:{}",
    ]
)
ELEMENTS = [
    "unknown",
    "_hidden",
    "-",
    "",
    ":",
    "::",
    "[]",
    "[",
    "]",
    "%",
    '"',
    "0.0.0.0",
    "256.1.1.1",
    "1.2.3",
    "1.2.3.4.5",
    "01.2.3.4",
    "::1.2.3.4",
]
told = st.one_of(
    st.builds(str.format, wrapping, address),
    st.sampled_from(ELEMENTS),
    st.builds(
        lambda a, length, pad: f"{a}%".ljust(length, pad), address, st.sampled_from([127, 128, 129, 130, 200]), st.sampled_from("0%:")
    ),
    st.builds(lambda a, count: a + " " * count, address, st.sampled_from([1, 120, 200])),
    st.text("019af.:[]% ", max_size=20),
)
wild = st.one_of(
    st.text(st.one_of(st.sampled_from('019af.:[]"% \t,-\\'), st.characters()), max_size=20),
    st.sampled_from(["\ud800", "1.1.1.1\x00", "1.1.1.1\x7f", "\u0661.1.1.1", "1.1.1.1\u00a0", "1.1.1.1:\u00b2", '"1.1.1.1"', "\t1.1.1.1"]),
)
element = st.one_of(told, told, told, wild)
joined = st.lists(element, max_size=5).flatmap(lambda some: st.sampled_from([",", ", ", " ,\t"]).map(lambda joint: joint.join(some)))
value = st.one_of(joined, element, st.sampled_from(["", "-"]))
forwarded = st.lists(st.builds("{}for={};proto=http".format, st.sampled_from(["", "by=x;"]), element), max_size=2).map(",".join)
header = st.one_of(
    st.tuples(st.sampled_from(KINDS), value),
    st.tuples(st.just("forwarded"), st.one_of(forwarded, st.sampled_from(["", "-"]))),
    st.tuples(st.just("cut"), st.sampled_from(["", "x-real-ip", "x-forwarded-for,forwarded"])),
    st.tuples(st.just("captured"), st.sampled_from(["", "-", "x-real-ip:8", "x-forwarded-for:64;forwarded:0", "x-forwarded-for:", ";"])),
    st.tuples(st.sampled_from(["x-other", "", "X-Real-IP"]), value),
)


@st.composite
def header_text(draw):
    """One JSON object of texts, some keys twice, with or without blanks and escapes."""
    comma, colon = draw(st.sampled_from([(",", ":"), (",", ":"), (", ", ": ")]))
    is_ascii = draw(st.booleans())
    pairs = draw(st.lists(header, max_size=4))
    return "{" + comma.join(colon.join(json.dumps(part, ensure_ascii=is_ascii) for part in pair) for pair in pairs) + "}"


@OFTEN
@given(st.lists(st.one_of(header_text(), header_text(), st.sampled_from(["", "{}"])), max_size=12))
def test_claims_are_those_that_python_reads(texts):
    found, plain = vars(claims_of(texts, NATIVE)), vars(claims_of(texts, None))
    for name in plain:
        assert found[name].dtype == plain[name].dtype
        assert found[name].tolist() == plain[name].tolist(), name


@OFTEN
@given(st.lists(element, min_size=1, max_size=30))
def test_an_address_is_read_as_python_reads_it(some):
    texts = [json.dumps({"logged": text}, ensure_ascii=False, separators=(",", ":")) for text in some]
    found, plain = claims_of(texts, NATIVE), claims_of(texts, None)
    assert list(zip(found.hi.tolist(), found.lo.tolist(), strict=True)) == list(zip(plain.hi.tolist(), plain.lo.tolist(), strict=True))


# Buffers that do not fit. The data are copies, so that a tool that watches memory knows where they end.
size = st.integers(0, 6)
offset = st.one_of(st.integers(-2, 12), st.sampled_from([-(1 << 31), (1 << 31) - 1]))
offsets = st.lists(offset, max_size=6).map(lambda some: np.array(some, "i4"))
bounded = st.one_of(st.tuples(offsets, offsets), st.lists(st.integers(0, 10), max_size=6).map(lambda some: (np.array(some, "i4"),) * 2))
some_bytes = st.one_of(st.binary(min_size=10, max_size=12), st.binary(max_size=12)).map(lambda some: np.frombuffer(some, "u1").copy())


def is_refused(function, *arguments):
    """Whether the call raises ValueError."""
    try:
        function(*arguments)
    except ValueError:
        return True
    return False


def are_inside(data, begin, end):
    return len(begin) == len(end) and all(0 <= a <= b <= len(data) for a, b in zip(begin.tolist(), end.tolist(), strict=True))


@given(some_bytes, bounded, size, size)
def test_columns_that_do_not_fit_are_refused(data, bounds, first, second):
    rows, is_inside = len(bounds[0]), are_inside(data, *bounds)
    assert is_refused(NATIVE.cut, data, *bounds) == (not is_inside)
    assert is_refused(NATIVE.numbers, data, *bounds, np.zeros(first, "i8")) == (not is_inside or first != rows)
    outputs = np.zeros(first, "i4"), np.zeros(second, "i4")
    assert is_refused(NATIVE.distinct, data, *bounds, *outputs, 1) == (not is_inside or {first, second} != {rows})


@given(some_bytes, bounded, bounded, size)
def test_texts_of_values_outside_the_data_are_refused(data, one, other, parts):
    is_inside = are_inside(data, *one) and are_inside(data, *other)
    begins, ends = zip(one, other, strict=True)
    assert is_refused(NATIVE.texts, data, (b"<",) * parts, begins, ends) == (not is_inside or parts != 3)


@given(some_bytes, st.lists(st.sampled_from([b"N", b"L\x01\x00a", b"L\x00\x00", only("k", b"1").program]), max_size=3), size, size)
def test_spans_of_another_size_are_refused(data, steps, lines, spans):
    captures = sum(step[:1] in {b"N", b"R"} for step in steps)
    is_wrong = spans != 2 * captures * lines
    assert is_refused(NATIVE.match, data, b"".join(steps), np.zeros(lines, "?"), np.zeros(spans, "i4")) == is_wrong


CUT = [b"L", b"L\x01", b"L\x02\x00a", b"R", b"R" + b"\xff" * 264, b"X"]


@given(
    some_bytes, st.lists(st.one_of(st.binary(max_size=6), st.sampled_from([b"N", b"R" + b"\xff" * 265, *CUT])), max_size=4).map(b"".join)
)
def test_a_program_of_any_bytes_is_run_or_refused(data, program):
    refused = is_refused(NATIVE.match, data, np.frombuffer(program, "u1").copy(), np.zeros(3, "?"), np.zeros(2 * 3, "i4"))
    assert refused == (captures(program) != 1)


def captures(program: bytes) -> int | None:
    """How many values a program captures; None where it is none."""
    count, at = 0, 0
    while at < len(program):
        kind, at = program[at : at + 1], at + 1
        size = {b"N": 0, b"L": 2 + int.from_bytes(program[at : at + 2], "little"), b"R": 9 + 256}.get(kind, len(program))
        if kind not in (b"N", b"L", b"R") or (kind != b"N" and at + max(size, 2) > len(program)):
            return None
        count += kind == b"N" or (kind == b"R" and program[at] > 0)
        at += size
    return count


@pytest.mark.parametrize("step", CUT)
def test_a_program_that_ends_within_a_step_is_refused(step):
    program = np.frombuffer(b"L\x01\x00a" + step, "u1").copy()
    assert all(is_refused(NATIVE.match, b"aaa", program, np.zeros(1, "?"), np.zeros(spans, "i4")) for spans in (0, 2))


@given(st.lists(st.sampled_from(["", "{}", '{"a":"1.1.1.1"}']), max_size=4), size, st.integers(0, 20), st.text("?, ", max_size=20))
def test_claims_without_their_room_are_refused(texts, names, room, natures):
    wrong = room != len(texts) * names or names != len(natures)
    assert is_refused(NATIVE.claims, texts, ("a",) * names, natures, np.zeros(room, "u1")) == wrong


@given(some_bytes, st.lists(st.integers(-1, 13), max_size=4), size)
def test_lines_that_begin_outside_the_data_are_refused(data, starts, room):
    is_inside = starts == sorted(starts) and all(0 <= start <= len(data) for start in starts)
    assert is_refused(NATIVE.twice, data, 65, np.array(starts, "i8"), np.zeros(room, "?")) == (not is_inside or room != len(starts))


def test_columns_that_lie_over_one_another_or_askew_are_refused():
    data, column = b"0123456789", np.arange(8, dtype="i4")
    whole = np.zeros(64, "u1")
    askew = whole[1:33].view("i4")
    assert is_refused(NATIVE.distinct, data, column, column, column, np.zeros(8, "i4"), 1)
    assert is_refused(NATIVE.distinct, data, column, column, np.zeros(8, "i4"), column, 1)
    assert is_refused(NATIVE.numbers, data, column[:4], column[:4], column.view("i8"))
    assert is_refused(NATIVE.distinct, data, askew, askew, np.zeros(8, "i4"), np.zeros(8, "i4"), 1)
    assert is_refused(NATIVE.distinct, data, column[::2], column[::2], np.zeros(4, "i4"), np.zeros(4, "i4"), 1)


@pytest.mark.parametrize("texts", [[1], [None], ["", b""]])
def test_what_is_no_text_is_no_header_text(texts):
    with pytest.raises(TypeError):
        NATIVE.claims(texts, ("a",), ",", np.zeros(len(texts), "u1"))


def test_texts_without_room_for_their_numbers_are_refused():
    slots, found = np.zeros((4, 2), "u8"), np.zeros(2, "u4")
    assert not is_refused(NATIVE.intern, slots, [], ["a", "b"], found)
    assert is_refused(NATIVE.intern, slots, ["a", "b"], ["c", "d"], found)
    assert is_refused(NATIVE.intern, np.zeros((3, 2), "u8"), [], ["a", "b"], found)
    assert is_refused(NATIVE.intern, np.zeros((0, 2), "u8"), [], [], np.zeros(0, "u4"))
    assert is_refused(NATIVE.intern, slots, [], ["a"], found)
    assert is_refused(NATIVE.intern, slots, [], ["a"], slots.view("u4").ravel()[:1])


def test_a_table_of_texts_that_is_full_or_points_nowhere_is_refused():
    with pytest.raises(IndexError):
        NATIVE.intern(np.array([[hash("a") & (1 << 64) - 1, 9]] * 4, "u8"), [], ["a"], np.zeros(1, "u4"))
    assert is_refused(NATIVE.intern, np.full((4, 2), 9, "u8"), [], ["a"], np.zeros(1, "u4"))


def test_a_table_without_room_for_all_texts_is_refused():
    slots, wider = np.array([[1, 1], [9, 2], [0, 0]], "u8"), np.zeros((2, 2), "u8")
    assert not is_refused(NATIVE.spread, slots, wider)
    assert sorted(wider[:, 1].tolist()) == [1, 2]
    assert is_refused(NATIVE.spread, slots, wider)
    assert is_refused(NATIVE.spread, slots, np.zeros((3, 2), "u8"))
    assert is_refused(NATIVE.spread, slots, np.zeros((0, 2), "u8"))
    assert is_refused(NATIVE.spread, slots, slots[:2])


def test_rows_without_a_key_each_are_refused():
    keys, order, begin = np.zeros((3, 2), "u8"), np.zeros(3, "i8"), np.zeros(3, "i8")
    assert not is_refused(NATIVE.grouped, keys, order, begin, 2, 1)
    assert is_refused(NATIVE.grouped, keys, order, begin, 3, 1)
    assert is_refused(NATIVE.grouped, keys, order, begin, 0, 1)
    assert is_refused(NATIVE.grouped, keys, order, begin, 65, 1)
    assert is_refused(NATIVE.grouped, keys, order, begin[:2], 2, 1)
    assert is_refused(NATIVE.grouped, keys, order, order, 2, 1)
    assert is_refused(NATIVE.grouped, keys, order, keys.view("i8").ravel()[:3], 2, 1)
