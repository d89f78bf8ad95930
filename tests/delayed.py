"""A desk whose truck slips: three private cafés are asked whether a week later is fine."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from flask.testing import FlaskClient
from sqlalchemy import select, update
from werkzeug.test import TestResponse

from data import tables
from data.store import open_store
from routing.rules.policies import PolicyRow, Scope
from routing.services.receiving import commit_receipt
from routing.services.supplying import Slip, commit_slip
from tests.desk import Desk, a_desk, add, counted
from tests.website import Website, form_token

LATER = date(2026, 5, 19)


@dataclass
class Delayed:
    website: Website
    desk: Desk

    def token(self, café: int = 1) -> str:
        """What the link in the message to this café carries."""
        return self.website.link("consent", "consent", self.consent(café)["id"], days=40)

    def consent(self, café: int = 1) -> dict[str, Any]:
        table = tables.delay_consent
        query = select(table).where(table.c.order_id == self.desk.orders[café]).order_by(table.c.id.desc()).limit(1)
        with self.website.installation.database.reading() as connection:
            return dict(connection.execute(query).mappings().one())

    def say(self, client: FlaskClient, café: int = 1, **form: object) -> TestResponse:
        """Presses it on the page; what the page asks back is answered with yes."""
        at = f"/c/{self.token(café)}"
        csrf = form_token(client.get(at))
        return client.post(at, data={"csrf_token": csrf, "seen": self.consent(café)["version"], "sure": "1", **form})


def a_delay(website: Website, *, language: str = "en") -> Delayed:
    desk = a_desk(website)
    with website.installation.database.writing() as connection:
        connection.execute(update(tables.customer).values(business=False, language=language, salesperson="Sales 1"))
        connection.execute(update(tables.contact).values(channel="email", address="buyer@cafe.example"))
    with open_store(website.installation.database) as store:
        commit_slip(store, Slip(number="IN-1", to=LATER), now=website.clock.at, by="test")
    return Delayed(website, desk)


def with_substitute(delayed: Delayed, *, policy: str = "ask") -> Delayed:
    """The same, where 30 barista oat drinks lie there that may go 1 for 1, when the policy lets them."""
    at = delayed.website.clock.at
    with open_store(delayed.website.installation.database) as store:
        barista = add(
            store.connection, tables.product, number="BARISTA", name="Barista oat drink", case_pack=12, weight_g=500,
            price=260, currency="EUR",
        )  # fmt: skip
        oat = delayed.desk.products["OAT"]
        add(store.connection, tables.product_substitute, product_id=oat, substitute_id=barista)
        commit_receipt(store, counted("R-B", delayed.desk.depot, barista, "BARISTA", 30, at), now=at, by="test")
        today = at.date().isoformat()
        row = PolicyRow(scope=Scope.COMPANY, name="substitutes", value=policy, effective_from=today)
        store.set_policy(row, by="test", now=at)
    return delayed
