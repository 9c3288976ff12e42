"""Flows as they come: of more than a person can follow the newest are shown, and it is said how many were left out."""

import asyncio

import msgspec
import pytest

from tests.contract import shop
from unmasq.base.clock import SystemClock
from unmasq.keep.duck import DuckStore
from unmasq.model.filter import FlowFilter
from unmasq.serve.following import EVERY_SECONDS
from unmasq.serve.pages import live
from unmasq.serve.pages.asked import Asked
from unmasq.serve.pages.rendering import Rendering
from unmasq.serve.questions import of_files

MOST = int(live.MOST_A_SECOND * EVERY_SECONDS)


@pytest.fixture
def shown(tmp_path):
    with DuckStore(shop.make_store(tmp_path), read_only=True) as store:
        clock = SystemClock()
        asked = Asked(of_files(store, clock), clock.now_us(), "/flows", [])
        yield live.Live(asked, clock, Rendering())


@pytest.mark.parametrize(("new", "left_out"), [(MOST, None), (MOST + 1, "1"), (MOST + 40, "40")])
def test_what_is_too_much_to_follow_is_said(shown, monkeypatch, new, left_out):
    [flow] = shown.asked.backend.flows(FlowFilter(), 1).flows
    looks = iter([[], [msgspec.structs.replace(flow, source_port=1000 + number) for number in range(new)]])
    monkeypatch.setattr(live.Live, "look", lambda _self: next(looks))
    said = asyncio.run(_events(shown, min(new, MOST) + (left_out is not None)))
    rows = [each["data"] for each in said if each["event"] == "flow"]
    assert [each["data"] for each in said if each["event"] == "missed"] == ([left_out] if left_out else [])
    assert (len(rows), f":{999 + new}" in rows[-1]) == (MOST, True), "the newest ones"


async def _events(shown: live.Live, count: int) -> list[dict[str, str]]:
    stream = live.events(shown)
    return [await asyncio.wait_for(anext(stream), 10) for _ in range(count)]
