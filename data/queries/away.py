"""Which vehicles and drivers are there on a day, as a condition of a query."""

from __future__ import annotations

from sqlalchemy import ColumnElement, Table, and_, or_


def there(table: Table, day: str) -> ColumnElement[bool]:
    """Of `vehicle` or `driver`: those who are not away on that ISO day, as `rules/standing_week.is_away`, nor gone."""
    no_days = and_(table.c.out_from == "", table.c.out_to == "")
    over = and_(table.c.out_to != "", table.c.out_to < day)
    is_there = and_(table.c.available, or_(no_days, table.c.out_from > day, over))
    if "gone_from" not in table.c:
        return is_there
    return and_(is_there, or_(table.c.gone_from == "", table.c.gone_from > day))
