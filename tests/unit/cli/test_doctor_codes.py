"""How `unmasq doctor` ends: what a monitoring system may rely on."""

import pytest

from tests.unit.cli.test_doctor import nowhere
from unmasq.cli import doctor_places
from unmasq.cli.doctor_places import Looked
from unmasq.find.check import Check, State
from unmasq.observe import switches

__all__ = ["nowhere"]

WELL, LOOK, BROKEN = (Check("log", state, "seen", "next") for state in (State.OK, State.WARN, State.BROKEN))


@pytest.mark.parametrize(
    ("found", "plain", "told"),
    [
        ([], 0, 0),
        ([WELL], 0, 0),
        ([WELL, LOOK], 0, 4),
        ([LOOK, BROKEN], 1, 1),
        ([BROKEN, WELL], 1, 1),
    ],
)
@pytest.mark.parametrize("output", ["text", "json"])
def test_the_worst_link_is_the_code(unmasq, monkeypatch, found, plain, told, output):
    monkeypatch.setattr(doctor_places, "looked_at", lambda _: Looked(found))
    assert unmasq("doctor", "-o", output).code == plain
    assert unmasq("doctor", "-o", output, "--exit-code").code == told


@pytest.mark.parametrize(("used", "code"), [((700, 1000), 4), ((699, 1000), 0)])
def test_a_table_of_connections_that_is_nearly_full_is_to_be_looked_at(unmasq, nowhere, monkeypatch, used, code):
    monkeypatch.setattr(switches, "table_use", lambda _: used)
    assert unmasq("doctor", "--exit-code").code == code


def test_switches_that_are_off_are_broken(unmasq, nowhere, monkeypatch):
    monkeypatch.setattr(switches, "state", lambda _: switches.Switches(False, True, True, True))
    assert unmasq("doctor", "--exit-code").code == 1


def test_a_node_that_is_not_there_is_broken(unmasq, nowhere, tmp_path):
    assert unmasq("doctor", "--spool", str(tmp_path), "--exit-code").code == 1


def test_a_server_that_does_not_answer_is_broken(unmasq, nowhere, tmp_path):
    token = tmp_path / "token"
    token.write_text("unmasq_x")
    assert unmasq("doctor", "--server", "http://127.0.0.1:1", "--token-file", str(token), "--exit-code").code == 1


def test_a_store_that_nobody_fills_is_to_be_looked_at(unmasq, nowhere, at_rest):
    assert unmasq("doctor", "--store", at_rest).code == 0
    assert unmasq("doctor", "--store", at_rest, "--exit-code").code == 4


@pytest.mark.parametrize("flags", [("--nothing",), ("--server", "http://127.0.0.1:1")])
def test_wrong_use_is_no_verdict(unmasq, nowhere, flags):
    assert unmasq("doctor", *flags, "--exit-code").code == 2
