"""The filter of flows as flags: its own fields, with the times in words."""

import re
from dataclasses import dataclass, fields
from typing import Annotated

from cyclopts import Parameter

from unmasq.base.errors import UsageError
from unmasq.cli.window import beginning, moment, past
from unmasq.keep.ask.exclusion import left_out
from unmasq.model.filter import FlowFilter

_STATUS = re.compile("[0-9]{3}|[1-5]xx", re.ASCII | re.IGNORECASE)  # logs hold odd ones too: 000, 999


@dataclass(frozen=True, kw_only=True)
class Flags(FlowFilter):
    """Repeat a flag = or; different flags = and. Addresses may be ranges."""

    original_source: Annotated[tuple[str, ...], Parameter(alias="--original-source-ip")] = ()
    """Claimed in headers, by the rule of Calico's original_source_ips; unverified."""
    to_namespace: Annotated[tuple[str, ...], Parameter(alias="-n")] = ()
    """The namespace of the proxy's pod; * and ? stand for other characters."""
    exclude: Annotated[tuple[str, ...], Parameter(alias="-x")] = ()
    """FIELD=VALUE, a field and value as above, of what is left out: -x client=10.0.0.1 -x status=4xx."""
    since_us: Annotated[int | None, Parameter(name="--since", converter=moment, metavar="TIME")] = None
    """At or after this time: 2026-11-24T08:00:00Z, 2026-11-24, or 10m, 2h, 2d ago."""
    until_us: Annotated[int | None, Parameter(name="--until", converter=moment, metavar="TIME")] = None
    """Before this time."""
    last_us: Annotated[int | None, Parameter(name="--last", converter=past, metavar="LENGTH")] = None
    """The last 30s, 10m, 2h, 2d or 1w."""

    def filter(self) -> FlowFilter:
        """The filter that they mean. Raises UsageError where two beginnings are named, or a status that none can be."""
        for text in (*self.status, *left_out(self.exclude).status):
            if not _STATUS.fullmatch(text):
                raise UsageError(f"no status: {text!r}", "it is a code of three digits, or a class, 1xx to 5xx", "write it like 404 or 4xx")
        known = {f.name: getattr(self, f.name) for f in fields(FlowFilter)}
        return FlowFilter(**known | {"since_us": beginning(self.since_us, self.last_us)})


EVERY_FLOW = Flags()
FILTERS = "Filters: repeat a flag = or; different flags = and"
