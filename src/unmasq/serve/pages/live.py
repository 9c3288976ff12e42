"""Flows as they come, as rows of the table: server-sent events for the page that is open."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import anyio
from starlette.concurrency import run_in_threadpool

from unmasq.base.clock import Clock
from unmasq.model.flow import Flow
from unmasq.report.columns import chosen
from unmasq.serve.following import BACK_US, EVERY_SECONDS, News, recent
from unmasq.serve.pages.asked import Asked
from unmasq.serve.pages.flows import USUAL
from unmasq.serve.pages.rendering import Rendering

MOST_A_SECOND = 50
"""Rows that a person can follow; of more the newest are sent, and how many were left out."""


@dataclass
class Live:
    """What one open page was shown. Made when it connects: what was there before is no news."""

    asked: Asked
    clock: Clock
    rendering: Rendering
    news: News = field(default_factory=lambda: News(tells_changes=True))

    def look(self) -> list[Flow]:
        """The flows that are new since the last look, oldest first. Waits for the store."""
        now_us = self.clock.now_us()
        wanted, _ = self.asked.filtered()
        found = self.news.of(recent(self.asked.backend, wanted, now_us))
        self.news.forget(now_us - 2 * BACK_US)
        return found

    def row(self, flow: Flow) -> str:
        """A flow as a row, on one line."""
        names = [column.name for column in chosen(self.asked.said("columns") or None, USUAL)]
        html = self.rendering.html("row.html", self.asked, flow=flow, columns=names)
        return " ".join(html.split("\n"))


async def events(live: Live) -> AsyncIterator[dict[str, str]]:
    """`flow` with a row for each new one; `missed` with how many rows were too many to follow. Ends when whoever reads goes away."""
    await run_in_threadpool(live.look)
    most = int(MOST_A_SECOND * EVERY_SECONDS)
    while True:
        await anyio.sleep(EVERY_SECONDS)
        found = await run_in_threadpool(live.look)
        if len(found) > most:
            yield {"event": "missed", "data": str(len(found) - most)}
        for flow in found[-most:]:
            yield {"event": "flow", "data": live.row(flow)}
