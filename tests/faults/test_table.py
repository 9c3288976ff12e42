"""The tables themselves: nothing that goes wrong looks green, and one row does not end the others."""

import pytest

from tests.faults import table
from tests.faults.flooded import Flooded
from tests.faults.floods import Flood, FloodRow
from tests.faults.outcome import Outcome, broken

FINE = Outcome(1, 1, 0, 0, 0.1)


def test_a_row_that_breaks_is_red_and_the_others_are_run(capsys: pytest.CaptureFixture[str]) -> None:
    def made(name: str) -> Outcome:
        if name == "breaks":
            raise TimeoutError("nobody\nanswers")
        return FINE

    found = dict(table.told(["breaks", "goes"], made, broken))
    assert (found["goes"], found["breaks"].wrong, found["breaks"].is_green) == (FINE, "TimeoutError: nobody", False)
    assert "Traceback" in capsys.readouterr().err


SAYS = {"window_closed_early": 1}


@pytest.mark.parametrize(("cuts", "cut", "is_green"), [(("window_",), {}, False), (("window_",), SAYS, True), ((), {}, True)])
def test_a_flood_must_say_what_it_cut(monkeypatch: pytest.MonkeyPatch, cuts: tuple[str, ...], cut: dict[str, int], is_green: bool) -> None:
    row = FloodRow(Flood(1, 1), lambda *_: Flooded(1, 1, 0, 1, 1, 1, 1, cut), cuts)
    monkeypatch.setattr(table, "FLOODS", {"a flood": row})
    assert table.flood("a flood").is_green == is_green
