"""What people come for, with their actions counted."""

import re
from typing import TYPE_CHECKING

import pytest

from tests.lab import topology as at
from tests.lab.cluster import Lab
from tests.lab.deadline import until
from tests.lab.running import Running

if TYPE_CHECKING:
    from tests.ui.browsing import Visit

pytestmark = [pytest.mark.needs("lab"), pytest.mark.needs("browser")]


def test_an_address_from_a_colleague(visit: "Visit") -> None:
    """Pasted, looked up, read: who it is, how it came, where it can be stopped."""
    page = visit.go("/")
    page.locator("#q").fill(f"  {at.C1}:51234 ")
    visit.press("Enter")
    page.wait_for_url(f"**/ip/{at.C1}")
    visit.settle()
    shown = page.locator("main").inner_text()
    assert re.search(r"client of \d+ requests on \d+ connections", shown, re.IGNORECASE)
    assert f"by {at.EDGE}, trusted for x-forwarded-for" in shown
    assert "forwarded: at or before" in shown
    assert page.locator("svg.hops a.hop").count() >= 3
    assert visit.actions <= 3


def test_a_list_from_a_colleague(visit: "Visit") -> None:
    page = visit.go("/")
    page.locator("#q").fill(f"{at.C1}\n8.8.8.8\n{at.C2}")
    visit.press("Enter")
    page.wait_for_url("**/several?**")
    assert page.locator("h1").inner_text() == "3 addresses, 2 seen"


def test_too_much_traffic(visit: "Visit") -> None:
    """Overview, brush the bump, a facet, the address: four actions."""
    page = visit.go("/?last=1h")
    box = page.locator("svg.histogram .bars").bounding_box()
    assert box
    page.mouse.move(box["x"] + 5, box["y"] + 40)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] - 2, box["y"] + 40, steps=4)
    page.mouse.up()
    visit.actions += 1
    page.wait_for_url("**since=**")
    visit.settle()
    visit.click("a[data-field=path][data-value='/']")
    assert "path=%2F" in page.url
    visit.click(f"table.ranked a[href='/ip/{at.C2}']")
    assert page.locator("h1").inner_text() == at.C2
    assert "looks like a proxy that you have not declared" in page.locator("main").inner_text()
    assert visit.actions <= 4


def test_a_first_install_is_seen_to_work(visit: "Visit", running: Running, lab: Lab) -> None:
    """The header test of the old how-to's last step, and the flow that it made, on the page."""
    done = running.asked("doctor", "--test", f"http://{at.INGRESS}/local", host="c1")
    assert done.returncode == 0, done.stdout + done.stderr
    page = visit.go("/flows?last=all&original_source=2.2.2.2")
    assert page.locator("table.flows tbody tr").count() >= 1
    page = visit.go("/health")
    assert page.locator("table.checks b.state.ok").count() > 5
    assert page.locator("table.checks b.state.broken").all_inner_texts() == []


def test_new_flows_appear_without_a_reload_and_wait_while_a_row_is_open(visit: "Visit", lab: Lab) -> None:
    page = visit.go("/flows")
    page.get_by_role("button", name="Live").click()
    visit.expect(page.locator("[data-do=live]")).to_have_attribute("aria-pressed", "true")
    page.wait_for_timeout(1000)  # the first look of the stream is what was there before
    lab.request("c1", at.INGRESS, 80, "/fresh-one")
    visit.expect(page.locator("table.flows tbody tr.fresh").first).to_contain_text("/fresh-one", timeout=20_000)
    page.locator("table.flows tbody summary").nth(1).click()
    lab.request("c1", at.INGRESS, 80, "/while-reading")
    visit.expect(page.locator("#said")).to_contain_text("wait", timeout=20_000)
    assert "/while-reading" not in page.locator("table.flows > tbody").inner_text()
    page.locator("table.flows details[open] summary").click()
    visit.expect(page.locator("table.flows > tbody")).to_contain_text("/while-reading", timeout=20_000)


def test_a_proxy_is_declared_in_one_click_and_flows_are_judged_again(visit: "Visit", running: Running) -> None:
    page = visit.go("/proxies")
    row = page.locator("tr", has=page.locator(f"a[href='/ip/{at.C2}']")).first
    row.get_by_label("name").fill("second")
    row.get_by_role("button", name="Trust it").click()
    page.wait_for_load_state()
    visit.go("/proxies")
    assert "judged by an older list" in page.locator("main").inner_text()
    page.get_by_role("button", name="Judge them again").click()
    until(lambda: "All flows are judged by the present list" in visit.go("/proxies").locator("main").inner_text(), "all to be judged", 30)
    page.get_by_role("button", name=f"Trust second {at.C2} no longer").click()
    page.wait_for_load_state()
    visit.go("/proxies")
    page.get_by_role("button", name="Judge them again").click()
    until(lambda: "All flows are judged by the present list" in visit.go("/proxies").locator("main").inner_text(), "all to be judged", 30)
