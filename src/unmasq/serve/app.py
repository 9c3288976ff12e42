"""The app of the owner's socket: whoever reaches that may do everything."""

from pathlib import Path

from starlette.applications import Starlette

from unmasq.base.clock import Clock
from unmasq.base.telemetry import Counters
from unmasq.keep.control.audit import Audit
from unmasq.serve.answering import Answering
from unmasq.serve.gate import OpenGate
from unmasq.serve.noting import Notebook
from unmasq.serve.operations import alive
from unmasq.serve.routes import Routes
from unmasq.serve.table import of_store


def app_of(routes: Routes, folder: Path, clock: Clock) -> Starlette:
    """What is asked there is what the API has under `/api/v1`; a change is noted, too."""
    return Answering(OpenGate(), Notebook(Audit(folder), clock, Counters())).app([*of_store(routes), alive()])
