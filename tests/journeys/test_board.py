"""The dispatcher's morning in a real browser: plan, look, move, a driver who is ill, load, dispatch."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from data.queries.plans import PlanPage, current_plans, plan_page
from data.store import open_store
from routing.model.plans import Plan, Problem, SolveProgress
from routing.ports import Solver
from tests.demo_day import DAY, PASSWORD, copy_home, planned_demo_home, prepared_demo_home, website_at
from tests.moves import a_possible_move
from tests.website import Website, served
from web.jobs import Background
from web.plan_job import start_plan
from web.wiring import Installation

TILES_PAINTED = """() => [...document.querySelectorAll(".leaflet-tile-pane canvas")].some((canvas) => {
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    const seen = new Set();
    for (let at = 0; at < data.length; at += 64) seen.add((data[at] << 16) | (data[at + 1] << 8) | data[at + 2]);
    return seen.size > 8;
})"""


@pytest.fixture
def unplanned(tmp_path: Path) -> Iterator[Website]:
    with website_at(copy_home(prepared_demo_home(), tmp_path / "home")) as website:
        background = Background(website.installation)
        background.start()
        yield website
        background.stop()


@pytest.fixture
def planned(tmp_path: Path) -> Iterator[Website]:
    with website_at(copy_home(planned_demo_home(), tmp_path / "home")) as website:
        yield website


@pytest.fixture
def desk(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(viewport={"width": 1440, "height": 900}, locale="en-GB")
    yield context
    context.close()


@pytest.fixture
def heard(desk: BrowserContext) -> Iterator[list[str]]:
    """What the console said that it should not, and every request that left this machine: nothing, in every journey."""
    found: list[str] = []
    desk.on("console", lambda message: found.append(message.text) if message.type in ("error", "warning") else None)
    desk.on("weberror", lambda error: found.append(str(error.error)))
    desk.on("request", lambda request: found.append(request.url) if not _is_here(request.url) else None)
    yield found
    assert found == []


def _is_here(url: str) -> bool:
    return "//127.0.0.1:" in url or url.startswith(("data:", "blob:"))


def sign_in(page: Page, address: str) -> None:
    page.goto(f"{address}/login")
    page.fill("[name=email]", "dispatcher@kauppatukku1.example")
    page.fill("[name=password]", PASSWORD)
    page.click("main button[type=submit]")
    page.wait_for_url(lambda url: "/login" not in url)


def open_board(page: Page, address: str, **query: object) -> None:
    more = "".join(f"&{name}={value}" for name, value in query.items())
    page.goto(f"{address}/plan?day={DAY}{more}")
    page.wait_for_load_state("networkidle")


def current(website: Website) -> PlanPage:
    with website.installation.database.reading() as connection:
        return plan_page(connection, current_plans(connection, day=DAY)[0].plan_id)


def keeps_searching(solve: Solver) -> Solver:
    """The real solver on a day that takes it a second or two: it goes on saying what it found until it is told to stop,
    as on a day that is harder."""

    def solve_until_told(
        problem: Problem,
        *,
        seed: int,
        time_limit_s: float,
        iterations: int | None = None,
        start: Plan | None = None,
        progress: Callable[[SolveProgress], None] | None = None,
        cancelled: Callable[[], bool] | None = None,
    ) -> Plan:
        assert progress is not None
        assert cancelled is not None
        said: list[SolveProgress] = []
        plan = solve(
            problem,
            seed=seed,
            time_limit_s=time_limit_s,
            iterations=iterations,
            start=start,
            progress=said.append,
            cancelled=cancelled,
        )
        served = sum(units for _tier, units in plan.served_by_tier)
        last = SolveProgress(
            at_s=1.0,
            phase=said[-1].phase if said else "searching",
            served_by_tier=plan.served_by_tier,
            served=served,
            of=len(problem.visits),
            cost=plan.cost,
        )
        for _ in range(1200):
            if cancelled():
                return plan
            progress(last)
            time.sleep(0.1)
        raise AssertionError("Nobody told the search to stop.")

    return solve_until_told


def test_plan_the_day_and_read_it_on_the_map(
    unplanned: Website, desk: BrowserContext, heard: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # On the class: the property that every test's search stands behind goes before what an instance holds.
    held = keeps_searching(unplanned.installation.solver)
    monkeypatch.setattr(Installation, "solver", property(lambda _installation: held))
    with served(unplanned) as address:
        page = desk.new_page()
        sign_in(page, address)
        open_board(page, address)
        expect(page.get_by_role("heading", name=re.compile(r"\d+ deliveries wait for a route"))).to_be_visible()
        page.get_by_role("button", name="Plan the day").click()
        expect(page.locator("#search")).to_be_visible()
        expect(page.locator("#search-said")).to_have_text(re.compile(r"\d+ / \d+ .*€.* s"), timeout=120_000)
        page.get_by_role("button", name="Stop and keep the best").click()
        expect(page.locator(".tl-stop").first).to_be_visible(timeout=120_000)
        page.wait_for_load_state("networkidle")
        plan = current(unplanned)
        stops = sum(len(route.stops) for route in plan.routes)
        assert stops > 40
        expect(page.locator(".pin-stop")).to_have_count(stops)
        expect(page.locator("path.route-line")).to_have_count(len(plan.routes))
        assert sorted(map(int, page.locator(".pin-stop .map-pin").all_inner_texts())) == sorted(
            stop.number for route in plan.routes for stop in route.stops
        )
        page.wait_for_function(TILES_PAINTED)
        expect(page.locator(".leaflet-control-attribution")).to_have_text("© OpenStreetMap contributors")
        assert heard == []


def test_a_search_that_fails_hides_no_plan_of_another_beside_it(
    unplanned: Website, desk: BrowserContext, heard: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    is_watched, solve = threading.Event(), unplanned.installation.solver

    def solve_when_watched(problem: Problem, **asked: Any) -> Plan:
        assert is_watched.wait(120)
        return solve(problem, **asked)

    monkeypatch.setattr(Installation, "solver", property(lambda _installation: solve_when_watched))
    with open_store(unplanned.installation.database) as store:
        for _ in range(2):  # the second to end finds that the day has moved on
            start_plan(store, from_day=DAY, to_day=DAY, depot_ids=store.depot_ids(), by="test")
    with served(unplanned) as address:
        page = desk.new_page()
        sign_in(page, address)
        page.goto(f"{address}/plan?day={DAY}")
        expect(page.locator("#search")).to_be_visible()
        is_watched.set()
        expect(page.locator(".tl-stop").first).to_be_visible(timeout=120_000)
        expect(page.locator("#says .failed")).to_contain_text("Somebody else saved a plan")
        page.reload()
        expect(page.locator("#says .failed")).to_have_count(0)
    assert heard == []


def test_select_see_the_effect_apply_and_undo(planned: Website, desk: BrowserContext, heard: list[str]) -> None:
    move = a_possible_move(planned.installation, day=DAY, now=planned.clock.now())
    before = move.page
    stop = next(each for each in move.source.stops if each.stop_id == move.stop_id)
    with served(planned) as address:
        page = desk.new_page()
        sign_in(page, address)
        open_board(page, address)
        page.locator(f'.tl-stop[data-key="{stop.stop_id}"]').click()
        part = page.locator(f'[data-part="stop"][data-key="{stop.stop_id}"]')
        expect(part.get_by_role("heading", name=stop.site)).to_be_visible()
        # Its marker stands out, and the other routes step back.
        expect(page.locator(".pin-stop.picked .map-pin")).to_have_text(str(stop.number))
        expect(page.locator("path.route-line.faded")).to_have_count(len(before.routes) - 1)
        part.locator("select[name=shift]").select_option(str(move.target.shift_id))
        part.get_by_role("button", name="Show the effect").click()
        effect = part.locator(".effect-box .say")
        expect(effect).to_contain_text(re.compile(r"[+−±]\d+ min, [+−±].* k?m, [+−±]€"))
        part.get_by_role("button", name="Apply").click()
        expect(page.get_by_text("Moved. The new times stand in the timeline.")).to_be_visible()
        assert current(planned).parent_id == before.plan_id
        page.get_by_role("button", name="Undo").click()
        expect(page.get_by_text(re.compile("^Undone: moved"))).to_be_visible()
        assert current(planned).plan_id == before.plan_id
        assert heard == []


def _middle(box: Locator) -> tuple[float, float]:
    found = box.bounding_box()
    assert found is not None
    return found["x"] + found["width"] / 2, found["y"] + found["height"] / 2


def test_a_dragged_stop_shows_its_effect_before_it_is_let_go(
    planned: Website, desk: BrowserContext, heard: list[str]
) -> None:
    move = a_possible_move(planned.installation, day=DAY, now=planned.clock.now())
    before = move.page
    with served(planned) as address:
        page = desk.new_page()
        sign_in(page, address)
        open_board(page, address)
        stop, tip = page.locator(f'.tl-stop[data-key="{move.stop_id}"]'), page.locator("#tip")
        name = page.locator(f'.tl-row[data-shift="{move.target.shift_id}"] .tl-name')

        def drag_to(spot: tuple[float, float]) -> None:
            stop.scroll_into_view_if_needed()
            page.mouse.move(*_middle(stop))
            page.mouse.down()
            page.mouse.move(*spot, steps=8)

        # Onto the van's name: its cheapest place. Escape: nothing happens.
        drag_to(_middle(name))
        expect(tip).to_contain_text(re.compile(r"[+−±]\d+ min, [+−±].* k?m, [+−±]€"))
        page.keyboard.press("Escape")
        expect(tip).to_be_hidden()
        page.mouse.up()
        assert current(planned).plan_id == before.plan_id
        # Out of every row: nothing happens.
        drag_to(_middle(page.locator(".board-head h1")))
        expect(tip).to_contain_text("Let go over a van, or over Left out")
        page.mouse.up()
        assert current(planned).plan_id == before.plan_id
        # Let go over the van.
        drag_to(_middle(name))
        expect(tip).to_contain_text(re.compile(r"[+−±]\d+ min"))
        page.mouse.up()
        expect(page.get_by_text("Moved. The new times stand in the timeline.")).to_be_visible()
        moved = current(planned)
        assert moved.parent_id == before.plan_id
        at = next(each for each in before.routes if each.shift_id == move.source.shift_id)
        all_of_it = {each.delivery_id for door in at.stops if door.stop_id == move.stop_id for each in door.deliveries}
        on = next(each for each in moved.routes if each.shift_id == move.target.shift_id)
        assert all_of_it <= {each.delivery_id for door in on.stops for each in door.deliveries}
        page.get_by_role("button", name="Undo").click()
        expect(page.get_by_text(re.compile("^Undone: moved"))).to_be_visible()
        # Over the left panel it is left out; who was promised is said first.
        drag_to(_middle(page.get_by_role("heading", name="Left out")))
        expect(tip).to_contain_text(re.compile(r"[+−±]\d+ min"))
        page.mouse.up()
        taken = page.get_by_text("Taken out. It stays out of the next plans of this day until you unlock it.")
        out = page.locator(".effect-box").get_by_role("button", name="Take out")
        expect(taken.or_(out)).to_be_visible()
        if out.is_visible():
            out.click()
            expect(taken).to_be_visible()
        assert all_of_it <= {row.delivery_id for row in current(planned).left_out}
        assert heard == []


def test_a_dragged_stop_says_what_it_would_break_and_stays(
    planned: Website, desk: BrowserContext, heard: list[str]
) -> None:
    before = current(planned)
    high = next(route for route in before.routes if route.vehicle == "Van 2")
    low = next(
        stop for route in before.routes for stop in route.stops if stop.site == "Bakery 3 downstairs"
    )  # an arch of 2.5 m
    with served(planned) as address:
        page = desk.new_page()
        sign_in(page, address)
        open_board(page, address)
        page.locator(f'.tl-stop[data-key="{low.stop_id}"]').scroll_into_view_if_needed()
        page.mouse.move(*_middle(page.locator(f'.tl-stop[data-key="{low.stop_id}"]')))
        page.mouse.down()
        page.mouse.move(*_middle(page.locator(f'.tl-row[data-shift="{high.shift_id}"] .tl-stop').nth(2)), steps=8)
        said = "Van 2 is 3.1 m high, Bakery 3 downstairs takes 2.5 m"
        expect(page.locator("#tip")).to_contain_text(said)
        expect(page.locator(".tl-drop")).to_be_visible()
        page.mouse.up()
        expect(page.locator("#says")).to_contain_text(said)
        assert current(planned).plan_id == before.plan_id
        assert heard == []


def test_a_marker_selects_its_stop_and_the_list_its_marker(
    planned: Website, desk: BrowserContext, heard: list[str]
) -> None:
    with served(planned) as address:
        page = desk.new_page()
        sign_in(page, address)
        open_board(page, address)
        page.locator("[data-pick=left]").first.click()
        expect(page.locator('[data-part="left"]')).to_be_visible()
        expect(page.locator(".pin-left_out.picked")).to_have_count(1)
        page.locator(".pane-right").get_by_role("button", name="Close").click()
        expect(page.locator("#routes")).to_be_visible()
        page.locator(".pin-stop").last.dispatch_event("click")
        expect(page.locator('[data-part="stop"]')).to_be_visible()
        expect(page.locator(".tl-stop.picked")).to_have_count(1)
        page.keyboard.press("Escape")
        expect(page.locator('[data-part="stop"]')).to_have_count(0)
        assert heard == []


def test_a_driver_who_is_ill_before_loading(planned: Website, desk: BrowserContext, heard: list[str]) -> None:
    before = current(planned)
    route = min(before.routes, key=lambda each: len(each.stops))
    with served(planned) as address:
        page = desk.new_page()
        sign_in(page, address)
        open_board(page, address, route=route.shift_id)
        page.get_by_role("link", name="Driver out …").click()
        expect(page.locator(".option")).to_have_count(3, timeout=120_000)
        first = page.locator(".option").first
        expect(first.get_by_role("heading")).to_have_text(re.compile(f"Driver 7 takes {route.vehicle}"))
        first.get_by_role("button", name="Do this").click()
        expect(page.get_by_text(re.compile("^Done: Driver 7 takes"))).to_be_visible()
        assert "Driver 7" in {each.driver for each in current(planned).routes}
        assert heard == []


def test_load_everything_and_dispatch_it(planned: Website, desk: BrowserContext, heard: list[str]) -> None:
    routes = len(current(planned).routes)
    with served(planned) as address:
        page = desk.new_page()
        sign_in(page, address)
        open_board(page, address)
        page.get_by_role("button", name="Load all").click()
        expect(
            page.get_by_text(re.compile(r"^\d+ deliveries loaded\. \d+ units of it nobody had marked as picked\.$"))
        ).to_be_visible()
        page.get_by_role("link", name="Dispatch …").click()
        expect(page.get_by_role("heading", name=f"{routes} routes go out")).to_be_visible()
        expect(page.get_by_text(re.compile(r"^\d+ recipients:$"))).to_be_visible()
        page.get_by_role("button", name=f"Dispatch {routes} routes").click()
        expect(page.get_by_text(re.compile(f"^{routes} routes are out"))).to_be_visible()
        expect(page.locator(".board-head .chip")).to_have_text("dispatched")
        page.locator(".routes a").first.click()
        page.get_by_text("Code to scan").click()
        expect(page.locator(".code svg")).to_be_visible()
        assert heard == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_board_can_be_used_by_everybody(
    planned: Website, desk: BrowserContext, heard: list[str], axe_script: Path, scheme: Any
) -> None:
    plan = current(planned)
    with served(planned) as address:
        page = desk.new_page()
        page.emulate_media(color_scheme=scheme)
        sign_in(page, address)
        shift = plan.routes[-1].shift_id
        for path in (
            f"?day={DAY}",
            f"?day={DAY}&stop={plan.routes[0].stops[0].stop_id}",
            f"?day={DAY}&route={plan.routes[0].shift_id}",
            f"?day={DAY}&left={plan.left_out[0].delivery_id}",
            f"/dispatch?day={DAY}",
            f"/{plan.plan_id}/out/{shift}",
        ):
            page.goto(f"{address}/plan{path}")
            page.wait_for_load_state("networkidle")
            page.evaluate(axe_script.read_text())
            found = page.evaluate("async () => (await axe.run()).violations")
            assert [f"{each['id']}: {node['html'][:200]}" for each in found for node in each["nodes"]] == []
        assert heard == []


def test_panels_keep_the_size_they_were_given(planned: Website, desk: BrowserContext, heard: list[str]) -> None:
    with served(planned) as address:
        page = desk.new_page()
        sign_in(page, address)
        open_board(page, address)
        bar = page.get_by_role("separator", name="Width of the left panel")
        bar.focus()
        for _ in range(4):
            page.keyboard.press("ArrowRight")
        wide = page.locator(".pane-left").bounding_box()
        open_board(page, address)
        assert page.locator(".pane-left").bounding_box() == wide
        assert wide is not None
        assert wide["width"] == 260 + 4 * 16
        assert heard == []


def test_on_a_phone_map_and_lists_stand_one_below_the_other(
    planned: Website, desk: BrowserContext, heard: list[str]
) -> None:
    with served(planned) as address:
        page = desk.new_page()
        page.set_viewport_size({"width": 390, "height": 844})
        sign_in(page, address)
        open_board(page, address)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        at = [page.locator(name).bounding_box() for name in (".pane-map", ".pane-right", ".pane-left")]
        tops = [box["y"] for box in at if box is not None]
        assert tops == sorted(tops)
        assert len(tops) == 3
        page.locator(".routes a").first.click()
        expect(page.locator('[data-part="route"]')).to_be_in_viewport()
        assert heard == []
