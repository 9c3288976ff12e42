"""`--syslog`: where to listen, and what cannot be."""

import pytest

from unmasq.base.errors import UsageError
from unmasq.cli.ends import to_receive
from unmasq.read.endpoint import Place


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("unix:/run/unmasq/log.sock", Place("/run/unmasq/log.sock")),
        ("127.0.0.1:1514", Place("", "127.0.0.1", 1514)),
        ("[::]:514", Place("", "::", 514)),
    ],
)
def test_a_place_reads_as_it_is_written(text, place):
    assert to_receive(text) == place
    assert str(place) == text


@pytest.mark.parametrize("text", ["unix:", "unix:run/log.sock", "/run/log.sock", "localhost:514", "127.0.0.1", "127.0.0.1:70000", ""])
def test_what_is_no_place_is_wrong_use(text):
    with pytest.raises(UsageError) as refused:
        to_receive(text)
    assert refused.value.next_step


def test_a_run_to_the_end_of_logs_hears_no_syslog(unmasq, tmp_path):
    ended = unmasq("run", "--once", "--syslog", "127.0.0.1:0", "--store", tmp_path)
    assert (ended.code, "--once reads no pods, no collectors and no syslog" in ended.err) == (2, True)


def test_a_place_that_is_taken_is_said_before_anything_is_read(unmasq, tmp_path):
    (tmp_path / "log").write_text("mine")
    ended = unmasq("run", "--no-kernel", "--syslog", f"unix:{tmp_path / 'log'}", "--store", tmp_path / "store")
    assert (ended.code, "something else is there" in ended.err) == (1, True)
    assert (tmp_path / "log").read_text() == "mine"
