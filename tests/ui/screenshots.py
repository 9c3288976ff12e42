"""How each page looks, kept in docs/screenshots: `make screenshots`. Not collected by itself: it shows nothing to be wrong."""

from pathlib import Path
from typing import Literal

import pytest

from tests.lab import topology as at
from tests.ui.browsing import Visit

pytestmark = [pytest.mark.needs("lab"), pytest.mark.needs("browser")]

FOLDER = Path(__file__).parents[2] / "docs" / "screenshots"
PAGES = {
    "overview": "/",
    "address": f"/ip/{at.C1}",
    "claimed": "/ip/1.1.1.1",
    "never-seen": "/ip/8.8.8.8",
    "flows": "/flows?last=all&evidence=forwarded",
    "health": "/health",
    "proxies": "/proxies",
    "several": f"/several?q={at.C1}+8.8.8.8+{at.C2}",
}
WIDTH, HIGHEST = 1280, 1500
"""Pixels of a page that are kept."""


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_picture(visit: Visit, name: str, scheme: Literal["light", "dark"]) -> None:
    visit.page.set_viewport_size({"width": WIDTH, "height": 800})
    visit.page.emulate_media(color_scheme=scheme)
    page = visit.go(PAGES[name])
    height = min(page.evaluate("document.documentElement.scrollHeight"), HIGHEST)
    FOLDER.mkdir(exist_ok=True)
    page.screenshot(path=FOLDER / f"{name}-{scheme}.png", full_page=True, clip={"x": 0, "y": 0, "width": WIDTH, "height": height})
