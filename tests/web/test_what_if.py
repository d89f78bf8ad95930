"""What if, from the page and from the command line: jobs, side by side, used with their plan or refused."""

from __future__ import annotations

import json
import re

import pytest
from click.testing import CliRunner, Result
from flask.testing import FlaskClient
from sqlalchemy import func, select, update
from werkzeug.test import TestResponse

from data.store import SqlStore
from data.tables import delivery, job
from tests.demo_day import DAY, current, demo_home, planned_website, plans, sign_in
from tests.website import Website, form_token
from web.cli import main
from web.jobs import run_job_now

__all__ = ["demo_home", "planned_website"]

JSON = {"Accept": "application/json"}


@pytest.fixture
def client(planned_website: Website) -> FlaskClient:
    return sign_in(planned_website)


def van(website: Website, name: str) -> int:
    with website.installation.database.reading() as connection:
        store = SqlStore(connection)
        return next(
            each.id for each in store.shifts_between(DAY, DAY, store.depot_ids()) if each.vehicle.name == name
        )  # fmt: skip


def post(client: FlaskClient, path: str, *, as_json: bool = True, **data: object) -> TestResponse:
    token = form_token(client.get(f"/plan?day={DAY}"))
    return client.post(path, data={"csrf_token": token, **data}, headers=JSON if as_json else {})


def tried(website: Website, client: FlaskClient, **form: object) -> int:
    """The scenario, worked out with half a second's search."""
    page = current(website)
    answer = post(client, f"/plan/{page.plan_id}/what-if", **form)
    assert answer.status_code == 202, answer.text
    with website.installation.database.writing() as connection:
        for row in connection.execute(select(job).where(job.c.kind == "what_if", job.c.state == "waiting")).all():
            connection.execute(update(job).where(job.c.id == row.id).values(data={**row.data, "time_limit_s": 0.5}))
    found = answer.json["job"]
    ended = run_job_now(website.installation, found)
    assert ended.state == "done", ended.problem
    return int(found)


def test_a_scenario_stands_beside_the_plan_and_is_used_with_its_change(
    planned_website: Website, client: FlaskClient
) -> None:
    page, before = current(planned_website), plans(planned_website)
    shift = van(planned_website, "Van 2")
    found = tried(planned_website, client, shift=shift, ends="19:00")
    assert plans(planned_website) == before
    text = client.get(f"/plan/{page.plan_id}/what-if").text
    assert "works 05:30-19:00" in text or re.search(r"works \d\d:\d\d-19:00", text)
    assert f"/what-if/{found}/use" in text
    # Beside it, of itself, the same day planned again: it waits for a worker.
    assert "The same, planned again" in text
    assert "data-waits" in text
    answer = post(client, f"/plan/{page.plan_id}/what-if/{found}/use")
    assert answer.status_code == 200, answer.text
    after = current(planned_website)
    assert after.parent_id == page.plan_id
    with planned_website.installation.database.reading() as connection:
        assert SqlStore(connection).shift(shift).ends == "19:00"
    assert post(client, f"/plan/{page.plan_id}/what-if/{found}/use").status_code == 409


def test_a_scenario_of_a_day_that_moved_on_is_refused_with_409(planned_website: Website, client: FlaskClient) -> None:
    page = current(planned_website)
    found = tried(planned_website, client, shift=van(planned_website, "Van 2"), ends="19:00")
    with planned_website.installation.database.writing() as connection:
        first = page.routes[0].stops[0].deliveries[0].delivery_id
        connection.execute(update(delivery).where(delivery.c.id == first).values(tier=9))
    before = plans(planned_website)
    answer = post(client, f"/plan/{page.plan_id}/what-if/{found}/use")
    assert answer.status_code == 409
    assert plans(planned_website) == before


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({}, "Say what should be otherwise"),
        ({"shift": "999999", "ends": "18:00"}, "does not go out"),
        ({"van": "<b>"}, "Choose one of the list"),
        ({"cut_off": "99:99"}, "no time of day"),
    ],
)
def test_what_cannot_be_is_said_in_one_sentence_and_no_search_begins(
    planned_website: Website, client: FlaskClient, form: dict[str, str], said: str
) -> None:
    page = current(planned_website)
    answer = post(client, f"/plan/{page.plan_id}/what-if", as_json=False, **form)
    assert answer.status_code == 422
    assert said in answer.text
    with planned_website.installation.database.reading() as connection:
        assert connection.scalar(select(func.count()).select_from(job).where(job.c.kind == "what_if")) == 0


def test_a_shift_that_ends_when_it_starts_is_refused(planned_website: Website, client: FlaskClient) -> None:
    page, shift = current(planned_website), van(planned_website, "Van 2")
    answer = post(client, f"/plan/{page.plan_id}/what-if", shift=shift, starts="06:00", ends="06:00")
    assert answer.status_code == 422
    assert "give it some hours" in answer.json["error"]["sentence"]


def test_a_job_of_another_kind_is_no_scenario(planned_website: Website, client: FlaskClient) -> None:
    page = current(planned_website)
    with planned_website.installation.database.reading() as connection:
        planning = connection.scalar(select(job.c.id).where(job.c.kind == "plan"))
    assert post(client, f"/plan/{page.plan_id}/what-if/{planning}/use").status_code == 404
    assert post(client, f"/plan/{page.plan_id}/what-if/{planning}/stop").status_code == 404


def run(website: Website, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> Result:
    monkeypatch.setenv("BACKROUTE_HOME", str(website.installation.home))
    monkeypatch.delenv("BACKROUTE_DATABASE_URL", raising=False)
    return CliRunner().invoke(main, ["what-if", "--day", DAY, "--time-limit", "0.5", *arguments])


def test_the_command_lays_scenarios_beside_the_plan_and_keeps_nothing(
    planned_website: Website, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = plans(planned_website)
    found = run(planned_website, monkeypatch, "--without", "Van 3", "--json")
    assert found.exit_code == 0, found.output
    document = json.loads(found.output)
    assert document["plan_id"] == current(planned_website).plan_id
    again, without = document["scenarios"]
    assert again["titles"] == []
    assert "does not go out" in without["titles"][0]
    assert again["after"]["of"] == without["after"]["of"] == document["before"]["of"]
    assert without["after"]["served"] + sum(n for _reason, n in without["after"]["left_out"]) == without["after"]["of"]
    assert plans(planned_website) == before


def test_the_command_refuses_what_cannot_be_with_one_sentence(
    planned_website: Website, monkeypatch: pytest.MonkeyPatch
) -> None:
    for arguments, said in (
        ([], "Say what should be otherwise"),
        (["--extend", "Van 2"], 'Write it as "Van 2=18:00"'),
        (["--extend", "Van 99=18:00"], 'No van "Van 99" goes out'),
        (["--extend", "Van 1=06:00-06:00"], "would end at 06:00, when it starts: give it some hours"),
        (["--add-van", "Zeppelin"], 'There is no vehicle "Zeppelin"'),
        (["--cut-off", "18:00"] * 7, "7 scenarios are more than anybody compares. Name at most 6"),
        (["--use", "--without", "Van 1", "--without", "Van 3"], "--use keeps one scenario"),
    ):
        found = run(planned_website, monkeypatch, *arguments)
        assert found.exit_code == 2, (arguments, found.output)
        assert said in found.output
        assert found.output.count("\n") == 1
