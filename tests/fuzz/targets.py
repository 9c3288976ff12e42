"""What is fuzzed: NAME -> what is promised of any bytes. A target raises where the promise is broken, and its docstring is the promise.

The corpus of a target is the folder `corpus/NAME`: a file is one input, and its name says what it is.
"""

from collections.abc import Callable, Mapping
from pathlib import Path

from tests.fuzz import asking, keeping, kernel, naming, reading, sending

CORPUS = Path(__file__).parent / "corpus"

Target = Callable[[bytes], None]

TARGETS: Mapping[str, Target] = {
    "lines": reading.lines,
    "header": reading.header,
    "cri": reading.cri,
    "syslog": reading.syslog,
    "address": naming.address,
    "claims": naming.claims,
    "walk": naming.walks,
    "batch": sending.batch,
    "kept": keeping.kept,
    "report": sending.report,
    "stream": sending.stream,
    "credentials": sending.credentials,
    "filter": asking.filters,
    "conntrack": kernel.entries,
    "sock_diag": kernel.sockets,
}


def inputs_of(name: str) -> dict[str, bytes]:
    """The corpus of a target: file name -> input."""
    return {path.name: path.read_bytes() for path in sorted((CORPUS / name).iterdir())}
