"""A real browser on our pages: what it complains of is remembered, and what a person does in it is counted."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect, sync_playwright

EXECUTABLE = "/usr/bin/chromium"
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update",
    "--disable-sync",
]  # fmt: skip
SIZE: Any = {"width": 1440, "height": 900}


class Visit:
    """One page of a browser. `complaints`: errors of scripts, refusals of the policy, dialogs, and whatever was asked of another host."""

    def __init__(self, page: Page, base: str) -> None:
        self.page, self.base = page, base
        self.complaints: list[str] = []
        self.actions = 0
        page.on("console", lambda message: self.complaints.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("dialog", self._dialog)
        page.on("request", self._request)

    def _dialog(self, dialog: Any) -> None:
        self.complaints.append(f"a dialog: {dialog.message}")
        dialog.dismiss()

    def _request(self, request: Any) -> None:
        if urlsplit(request.url).netloc != urlsplit(self.base).netloc and not request.url.startswith("data:"):
            self.complaints.append(f"asks {request.url}")

    def go(self, path: str) -> Page:
        """Open a page, with the parts that come later."""
        self.page.goto(self.base + path)
        self.settle()
        return self.page

    def settle(self) -> None:
        """Wait until all parts are there."""
        expect(self.page.locator("later-part:not(.names):not([every])")).to_have_count(0, timeout=20_000)

    @staticmethod
    def expect(found: Locator) -> Any:
        """What must become true of a part of the page, soon."""
        return expect(found)

    def press(self, *keys: str) -> None:
        """One action on the keyboard for each."""
        for key in keys:
            self.page.keyboard.press(key)
            self.actions += 1

    def click(self, selector: str, name: str | None = None) -> None:
        """One action with the mouse."""
        found = self.page.locator(selector) if name is None else self.page.get_by_role(selector, name=name, exact=True)  # type: ignore[arg-type]
        found.first.click()
        self.actions += 1
        self.page.wait_for_load_state()
        self.settle()

    def violations(self) -> list[str]:
        """What axe-core finds, through the debugger: the policy of the page forbids scripts of others."""
        found = Axe().run(self.page).response["violations"]
        return [f"{each['id']} ({each['impact']}): {each['nodes'][0]['target']} {each['nodes'][0]['html'][:150]}" for each in found]


@contextmanager
def chromium() -> Iterator[Browser]:
    """Debian's, without any window."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=EXECUTABLE, args=FLAGS)
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def logged_in(browser: Browser, base: str, cookies: list[Any], **how: Any) -> Iterator[BrowserContext]:
    """A browser of somebody who is logged in already; `how` as Playwright's new_context."""
    context = browser.new_context(viewport=SIZE, **how)
    context.add_cookies(cookies)
    context.set_default_timeout(20_000)
    try:
        yield context
    finally:
        context.close()
