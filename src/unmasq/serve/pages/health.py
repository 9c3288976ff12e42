"""The page of health: whether an answer can be trusted, node by node, and what was dropped on the way."""

from msgspec import Struct

from unmasq.find.check import Check
from unmasq.find.checks import checks
from unmasq.keep.shapes import Health, RejectSample
from unmasq.model.completeness import Completeness
from unmasq.model.health import NodeStatus
from unmasq.serve.pages.asked import Asked
from unmasq.serve.protocol import NodeHeard


class NetworkFile(Struct, frozen=True):
    """A file that knows networks: of when it is, if it tells, and why its newest version is not in use."""

    name: str
    built_us: int | None
    trouble: str | None


class HealthPage(Struct, frozen=True):
    """`status` and `checks` are of the process that fills the store itself, `nodes` of all whose flows are here.

    `counters` is what that process counts, by name and reason.
    """

    data: Health
    nodes: list[NodeHeard]
    rejects: list[RejectSample]
    status: NodeStatus | None
    checks: list[Check]
    counters: dict[str, int]
    networks: list[NetworkFile]
    completeness: Completeness


def health(asked: Asked) -> HealthPage:
    """The page."""
    status = asked.backend.status()
    return HealthPage(
        data=asked.data,
        nodes=asked.backend.nodes(),
        rejects=asked.backend.rejects(),
        status=status,
        checks=_checks(status, asked.data),
        completeness=asked.completeness,
        counters=status.counters if status else {},
        networks=[NetworkFile(each.name, each.built_us, each.trouble) for each in asked.networks],
    )


def _checks(status: NodeStatus | None, data: Health) -> list[Check]:
    return checks(status, data) if status else []
