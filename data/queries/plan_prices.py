"""The prices that hold for every plan of the company."""

from __future__ import annotations

from sqlalchemy import Connection, select

from data.queries.company import company_card
from data.tables import setting
from routing.model.day import PlanPrices
from routing.rules.plan_prices import SETTING, kept


def plan_prices(connection: Connection) -> PlanPrices:
    said = connection.scalar(select(setting.c.value).where(setting.c.name == SETTING))
    return kept(said, currency=company_card(connection).currency)
