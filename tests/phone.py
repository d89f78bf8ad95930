"""A driver's phone in a real browser: its route is open, and what is tapped is named in the driver's own language."""

from __future__ import annotations

import io
import json
import time
from typing import Any

from PIL import Image
from playwright.sync_api import BrowserContext, Locator, Page, expect

from data.queries.plans import StopRow

PHONE: dict[str, Any] = {
    "viewport": {"width": 390, "height": 844},
    "has_touch": True,
    "is_mobile": True,
    "permissions": ["geolocation"],
    "geolocation": {"latitude": 60.1650, "longitude": 24.9480, "accuracy": 8},
}


class Phone:
    """A driver's phone with the route open; words are taken from the page, which speaks the driver's language."""

    def __init__(self, context: BrowserContext, link: str) -> None:
        self.context = context
        self.page = context.new_page()
        # Kept until the phone is put away: when it is detached, the browser forgets that it has no signal.
        self._finger = context.new_cdp_session(self.page)
        self.page.goto(link)
        expect(self.page.locator("html[data-ready=offline]")).to_be_attached()
        data = json.loads(self.page.locator("#data").inner_text())
        self.words: dict[str, str] = data["words"]
        self.outcomes: dict[str, str] = dict(data["outcomes"])
        self.route: dict[str, Any] = data["route"]

    def press(self, word: str) -> None:
        self.page.get_by_role("button", name=self.words[word], exact=True).tap()

    def stand_at(self, stop: StopRow) -> None:
        self.context.set_geolocation({"latitude": stop.lat or 0, "longitude": stop.lon or 0, "accuracy": 8})

    def open(self, stop: StopRow) -> None:
        """The stop's card, from the list of the day."""
        self.page.locator(".stop-list li").nth(stop.number - 1).get_by_role("button").tap()
        expect(self.page.locator(".stop-name")).to_have_text(stop.site)

    def arrive(self, stop: StopRow) -> None:
        self.open(stop)
        self.press("arrived")
        expect(self.page.locator(".stop-card .chip").first).to_contain_text(self.words["under_way"])

    def hand_over(self, stop: StopRow, *, to: str, signed: bool = True, photo: bool = False) -> Locator:
        """Fills in the form of a handed over stop; the counters are returned, Save is not pressed yet."""
        self.open(stop)
        fetches = all(each["direction"] == "collect" for each in self.deliveries_of(stop))
        self.press("collected" if fetches else "delivered")
        self.page.locator("#who").fill(to)
        if signed:
            self._sign()
        if photo:
            self.page.locator("#photo").set_input_files(
                {"name": "crates.jpg", "mimeType": "image/jpeg", "buffer": a_photo()}
            )
            expect(self.page.locator(".photos img")).to_have_count(1)
        return self.page.locator(".counter")

    def all_sent(self) -> None:
        expect(self.page.locator(".door-form")).to_have_count(0)  # saved: now it is the outbox's
        expect(self.page.get_by_text(self.words["all_sent"], exact=True)).to_be_visible()

    def lines_of(self, stop: StopRow) -> list[dict[str, Any]]:
        """The goods of the stop in the order of the form's counters."""
        return [line for each in self.deliveries_of(stop) for line in each["lines"]]

    def deliveries_of(self, stop: StopRow) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = next(
            each["deliveries"] for each in self.route["stops"] if each["id"] == stop.stop_id
        )
        return found

    def _sign(self) -> None:
        box = self.page.locator("canvas.signature")
        box.scroll_into_view_if_needed()
        at = box.bounding_box()
        assert at is not None
        finger = self._finger

        begins = time.time()

        def touch(kind: str, n: int, *points: tuple[float, float]) -> None:
            where = [{"x": x, "y": y} for x, y in points]
            finger.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": where, "timestamp": begins + n / 20})

        touch("touchStart", 0, (at["x"] + 30, at["y"] + 40))
        for n in range(1, 9):
            touch("touchMove", n, (at["x"] + 30 + n * 20, at["y"] + 40 + (n % 3) * 15))
        # The finger rests before it is lifted: a swipe would go on scrolling, and the next tap only stop that.
        for n in (12, 16):
            touch("touchMove", n, (at["x"] + 191, at["y"] + 70))
        touch("touchEnd", 17)


def a_photo() -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (640, 480), (120, 90, 60)).save(file, "JPEG")
    return file.getvalue()


def look_again(buyer: Page, stage: str) -> None:
    """The customer's page asks by itself; here as when its tab comes back into sight, until the phone's report has
    arrived."""
    answer = buyer.locator(f".answer[data-stage={stage}]")
    for _ in range(60):
        buyer.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
        try:
            expect(answer).to_be_visible(timeout=1_000)
        except AssertionError:
            continue
        return
    expect(answer).to_be_visible()
