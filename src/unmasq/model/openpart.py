"""Open flows as a question sees them: in parts, most of which are as they were when somebody asked last."""

from typing import NamedTuple

from unmasq.model.flowbatch import FlowBatch


class OpenPart(NamedTuple):
    """The flows of some lines. Under the same serial they are the same; `batch` is None where whoever asks knows them already."""

    serial: int
    batch: FlowBatch | None
