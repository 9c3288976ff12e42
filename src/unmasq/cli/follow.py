"""Following flows: the store is asked again and again, and every flow is shown when it is new."""

import sys
import time

from unmasq.base.clock import Clock
from unmasq.base.errors import UsageError
from unmasq.cli.flows_output import Printer
from unmasq.keep.shapes import FlowPage
from unmasq.model.filter import FlowFilter
from unmasq.serve.client import Owner
from unmasq.serve.following import BACK_US, EVERY_SECONDS, News, recent
from unmasq.serve.protocol import Backend


def follow_flows(backend: Backend, wanted: FlowFilter, printer: Printer, clock: Clock, limit: int) -> None:
    """Show the newest `limit` flows, then what comes, until the process is interrupted. Raises UsageError for files at rest."""
    if not isinstance(backend, Owner):
        raise UsageError("nothing to follow", "nobody writes to this store", "start `unmasq run`, or leave out --follow")
    news = News(tells_changes=printer.tells_changes)
    news.of(recent(backend, wanted, clock.now_us()))  # before the page: what comes between the two is on the page, or still news
    newest = backend.flows(wanted, limit).flows
    news.of(newest)
    printer.page(FlowPage(newest[::-1], None))
    while True:
        sys.stdout.flush()
        time.sleep(EVERY_SECONDS)
        printer.more(news.of(recent(backend, wanted, clock.now_us())))
        news.forget(clock.now_us() - 2 * BACK_US)
