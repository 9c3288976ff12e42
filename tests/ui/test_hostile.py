"""What a client wrote is inert at every exit: in each page, with everything opened, in CSV, JSON, Markdown and on a terminal."""

import csv
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.lab import topology as at
from tests.lab.running import Running
from tests.ui.hostile import FORMULAS, TEXTS

if TYPE_CHECKING:
    from tests.ui.browsing import Visit

pytestmark = [pytest.mark.needs("lab"), pytest.mark.needs("browser")]

WHERE = (
    f"/ip/{at.C1}?whole=yes&last=all",
    "/flows?last=all&limit=500&columns=time&columns=hosts&columns=paths&columns=user_agents",
    "/?last=all",
    "/health",
    "/proxies",
)
OURS = """
(() => {
  const all = [...document.querySelectorAll('*')];
  const scripts = [...document.scripts].filter((each) => !each.src.includes('/static/')).length;
  const handlers = all.filter((each) => [...each.attributes].some((a) => a.name.startsWith('on'))).length;
  const foreign = all.filter((each) => ['IMG', 'IFRAME', 'OBJECT', 'EMBED', 'I', 'B'].includes(each.tagName)
    && /alert|evil/.test(each.outerHTML) && !each.closest('.chips')).map((each) => each.outerHTML);
  const links = [...document.querySelectorAll('a[href], form[action]')].map((each) => each.href?.baseVal ?? each.href ?? each.action)
    .filter((each) => !String(each).startsWith(location.origin) && !String(each).startsWith('/') && !String(each).startsWith('?'));
  return { scripts, handlers, foreign, links };
})()
"""


@pytest.mark.parametrize("path", WHERE)
def test_nothing_of_it_acts_in_a_page(visit: "Visit", path: str) -> None:
    page = visit.go(path)
    page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    assert page.evaluate(OURS) == {"scripts": 0, "handlers": 0, "foreign": [], "links": []}
    for each in page.locator("a.pm").all()[:3]:
        each.hover()


def test_all_of_it_is_there_to_be_read(visit: "Visit") -> None:
    page = visit.go("/flows?last=all&limit=500&columns=user_agents")
    shown = page.locator("table.flows").inner_text()
    for text in ("<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "{{ 7 * 7 }}", "\\x1b[31mred", "\\u202egpj.exe", "漢字"):
        assert text in shown, text


@pytest.mark.parametrize(
    "text", [text for text in TEXTS.values() if len(text) < 100], ids=[name for name, text in TEXTS.items() if len(text) < 100]
)
def test_a_filter_may_hold_it(visit: "Visit", text: str) -> None:
    page = visit.page
    for name in ("path", "host", "columns", "after", "since", "client"):
        page.goto(f"{visit.base}/flows?last=all&{name}={page.evaluate('encodeURIComponent', text)}")
        assert page.evaluate(OURS)["scripts"] == 0
    page.goto(f"{visit.base}/search?q={page.evaluate('encodeURIComponent', text)}")
    assert page.evaluate(OURS)["handlers"] == 0
    visit.complaints[:] = [each for each in visit.complaints if "422" not in each]


def fetched(visit: "Visit", path: str) -> str:
    answer: Any = visit.page.request.get(visit.base + path)
    assert answer.status == 200
    return str(answer.text())


def test_no_cell_of_a_csv_is_a_formula(visit: "Visit") -> None:
    visit.go("/")
    for path in ("/api/v1/flows?format=csv&limit=1000", "/api/v1/facets?format=csv&field=path&limit=1000", "/api/v1/rejects?format=csv"):
        rows = list(csv.reader(fetched(visit, path).splitlines()))
        assert [cell for row in rows for cell in row if len(cell) > 1 and cell.startswith(FORMULAS)] == []


def test_json_holds_it_as_it_came(visit: "Visit") -> None:
    visit.go("/")
    flows = json.loads(fetched(visit, "/api/v1/flows?limit=1000"))["flows"]
    agents = {agent for flow in flows for chain in flow["unmasq"]["chains"] for agent in chain["user_agents"]}
    assert TEXTS["script"] in agents
    assert TEXTS["turned"] in agents


def test_markdown_renders_none_of_it(visit: "Visit") -> None:
    visit.go("/")
    text = fetched(visit, f"/ip/{at.C1}.md?last=all")
    assert "](http" not in text.replace("\\]", "")
    assert "<script" not in text
    assert "\x1b" not in text


def test_a_terminal_is_not_steered(running: Running, store: Path) -> None:
    for words in (("flows", "--limit", "500", "-o", "wide"), ("trace", at.C1), ("flows", "-o", "jsonl", "--limit", "500")):
        shown = running.asked(*words).stdout
        assert shown
        assert not any(mark in shown for mark in ("\x1b", "\x07", "\u202e", "\u2066")), words
    assert store.exists()
