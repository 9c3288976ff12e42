"""Every page in light and dark, with the keyboard alone, and without any script."""

from typing import TYPE_CHECKING

import pytest

from tests.lab import topology as at

if TYPE_CHECKING:
    from tests.ui.browsing import Visit

pytestmark = [pytest.mark.needs("lab"), pytest.mark.needs("browser")]

PAGES = {
    "overview": "/",
    "address": f"/ip/{at.C1}",
    "claimed": "/ip/1.1.1.1",
    "undeclared": f"/ip/{at.C2}",
    "range": "/ip/198.51.100.0/24",
    "v6": f"/ip/{at.C1_V6}",
    "never": "/ip/8.8.8.8",
    "own": "/ip/10.9.9.9",
    "flows": "/flows?last=all",
    "filtered": "/flows?last=all&evidence=forwarded&x=status=404",
    "nothing": "/flows?last=all&host=nobody.example",
    "health": "/health",
    "proxies": "/proxies",
    "several": f"/several?q={at.C1}+8.8.8.8+word",
    "problem": "/ip/nonsense",
}
SCHEMES = [{"color_scheme": "light"}, {"color_scheme": "dark"}]


@pytest.mark.parametrize("visit", SCHEMES, indirect=True, ids=["light", "dark"])
@pytest.mark.parametrize("path", PAGES.values(), ids=PAGES.keys())
def test_axe_finds_nothing(visit: "Visit", path: str) -> None:
    visit.go(path)
    assert visit.violations() == []
    if path == "/ip/nonsense":
        visit.complaints.clear()  # the browser tells of the 422


@pytest.mark.parametrize("visit", [{"java_script_enabled": False}], indirect=True, ids=["no script"])
@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/", ["Clients with most requests", at.C1, "Requests over time"]),
        (f"/ip/{at.C1}", ["direct", "forwarded", "Where it can be stopped", "10.244.1.10:80", "Its newest flows"]),
        ("/flows?last=all", ["Flows, newest first", at.C1, "Older flows"]),
        ("/health", ["From log to store", "joined"]),
        ("/proxies", [at.C2, "config trust add NAME", at.EDGE, "Named by senders whom you do not trust", "1.1.1.1"]),
        (f"/several?q={at.C1}+8.8.8.8", ["2 addresses, 1 seen"]),
        ("/ip/8.8.8.8", ["Never seen"]),
    ],
)
def test_reading_needs_no_script(visit: "Visit", path: str, words: list[str]) -> None:
    visit.page.goto(visit.base + path)
    shown = visit.page.locator("body").inner_text()
    assert [word for word in words if word not in shown] == []


@pytest.mark.parametrize("visit", [{"java_script_enabled": False}], indirect=True, ids=["no script"])
def test_what_comes_later_is_a_link_without_scripts(visit: "Visit") -> None:
    visit.page.goto(f"{visit.base}/ip/{at.C1}")
    visit.page.get_by_role("link", name="Requests over time").click()
    assert visit.page.locator("figure.bars svg.histogram").count() == 1
    assert visit.page.locator("table.facet").count() >= 3
    assert "same user agent" in visit.page.locator("body").inner_text()


@pytest.mark.parametrize("visit", [{"java_script_enabled": False}], indirect=True, ids=["no script"])
def test_a_search_needs_no_script(visit: "Visit") -> None:
    visit.page.goto(visit.base)
    visit.page.locator("#q").fill(f"[{at.C1_V6}]:443")
    visit.page.get_by_role("button", name="Look up").click()
    assert visit.page.url == f"{visit.base}/ip/{at.C1_V6}"


def test_keys_alone_lead_to_an_address_and_through_its_flows(visit: "Visit") -> None:
    page = visit.go("/")
    visit.press("/")
    page.keyboard.type(at.C1)
    visit.press("Enter")
    page.wait_for_url(f"**/ip/{at.C1}")
    visit.settle()
    page.locator("h1").click()
    page.keyboard.press("j")
    assert page.evaluate("document.activeElement.tagName") in ("A", "SUMMARY")
    page.keyboard.press("?")
    assert page.get_by_role("dialog").is_visible()
    page.keyboard.press("Escape")
    assert not page.get_by_role("dialog").is_visible()


def test_every_focus_can_be_seen_and_the_first_leads_to_the_answer(visit: "Visit") -> None:
    page = visit.go("/")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    for _ in range(15):
        page.keyboard.press("Tab")
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none" or page.evaluate(
            "document.activeElement.namespaceURI.endsWith('svg')"
        )


def test_keys_can_be_switched_off(visit: "Visit") -> None:
    page = visit.go("/")
    page.keyboard.press("?")
    page.get_by_label("use these keys").uncheck()
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") != "q"
    page.get_by_role("button", name="?").click()
    page.get_by_label("use these keys").check()


def test_a_value_under_the_focus_is_filtered_by_plus_and_minus(visit: "Visit") -> None:
    page = visit.go("/flows?last=all")
    page.locator("a[data-field=status]").first.focus()
    page.keyboard.press("-")
    page.wait_for_url("**x=status%3D*")
    assert page.get_by_label("Filters").inner_text().startswith("without status")


def test_the_window_is_shifted_widened_and_brushed(visit: "Visit") -> None:
    page = visit.go("/flows?last=1h")
    page.locator("h1").click()
    page.keyboard.press("z")
    page.wait_for_url("**since=**")
    visit.settle()
    before = page.locator(".window [name=since]").input_value()
    page.locator("h1").click()
    page.keyboard.press("[")
    page.wait_for_url(lambda url: before.replace(":", "%3A") not in url)
    assert page.locator(".window [name=since]").input_value() < before
    page = visit.go("/")
    box = page.locator("svg.histogram .bars").bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + 40)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.99, box["y"] + 40, steps=5)
    page.mouse.up()
    page.wait_for_url("**since=**until=**")
    visit.settle()
    assert page.locator("table.ranked").count() == 2


def test_the_theme_is_what_was_chosen_on_the_next_page_too(visit: "Visit") -> None:
    page = visit.go("/")
    ground = "getComputedStyle(document.body).backgroundColor"
    page.get_by_title("Light, dark").click()
    light = page.evaluate(ground)
    page.get_by_title("Light, dark").click()
    dark = page.evaluate(ground)
    assert light != dark
    visit.go("/flows")
    assert page.evaluate(ground) == dark


def test_times_are_shown_in_the_readers_zone_if_wanted(visit: "Visit") -> None:
    page = visit.go("/flows?last=all")
    assert page.locator("time").first.inner_text().endswith("Z")
    page.get_by_title("Show times in your own time zone").click()
    page.wait_for_load_state()
    visit.settle()
    assert page.locator("time").first.inner_text()[-6] in "+-"


def test_raw_headers_of_a_row_are_shown_when_it_is_opened(visit: "Visit") -> None:
    page = visit.go(f"/flows?last=all&claim=1.1.1.1&client={at.C2}")
    page.locator("table.flows summary").first.click()
    detail = page.locator("table.flows details[open]").first.inner_text()
    assert "x-forwarded-for" in detail
    assert "1.1.1.1" in detail
    assert at.C2 in detail


def test_a_translation_is_shown_as_one(visit: "Visit") -> None:
    page = visit.go(f"/ip/{at.C1}")
    assert at.GATEWAY in page.locator("svg.hops").inner_html()
    assert "translat" in page.locator("svg.hops").inner_html()


def test_reverse_dns_is_asked_when_somebody_wants_it_and_of_the_internet_alone(visit: "Visit") -> None:
    page = visit.go(f"/ip/{at.C1}")
    page.get_by_role("link", name="reverse DNS").click()
    visit.expect(page.locator(".rdns")).to_have_text("not asked: no address of the internet")


def test_bars_of_a_claimed_address_are_claims(visit: "Visit") -> None:
    page = visit.go("/ip/1.1.1.1")
    drawn = page.locator("svg.histogram").text_content() or ""
    assert "claimed" in drawn
    assert "direct" not in drawn


def test_every_box_of_a_picture_has_the_same_ground_so_that_it_can_be_read(visit: "Visit") -> None:
    page = visit.go("/ip/1.1.1.1")
    visit.expect(page.locator("svg.hops .box.claimed").first).to_be_visible()
    grounds = page.locator("svg.hops .box").evaluate_all("boxes => boxes.map(box => getComputedStyle(box).fill)")
    assert len(grounds) >= 3
    assert len(set(grounds)) == 1
