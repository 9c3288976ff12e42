"""The program, run in this process, and stores to ask."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.contract import shop
from unmasq.cli.program import run


class Ended(NamedTuple):
    """How a run ended."""

    code: int
    out: str
    err: str


@pytest.fixture(scope="session")
def at_rest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shop's store; nobody has it open, and no test changes it."""
    return shop.make_store(tmp_path_factory.mktemp("shop"))


@pytest.fixture
def unmasq(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Ended]:
    """Runs a command line; returns its exit code and what it printed."""
    monkeypatch.setenv("TZ", "UTC")

    def ended(*tokens: object) -> Ended:
        capsys.readouterr()
        code = run([str(token) for token in tokens])
        return Ended(code, *capsys.readouterr())

    return ended
