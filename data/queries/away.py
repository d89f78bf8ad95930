"""Which vehicles and drivers are there on a day, as a condition of a query."""

from __future__ import annotations

from sqlalchemy import ColumnElement, Table, and_, or_


def there(table: Table, day: str) -> ColumnElement[bool]:
    """Of `vehicle` or `driver`: those who are not away on that ISO day, as `rules/standing_week.is_away`."""
    no_days = and_(table.c.out_from == "", table.c.out_to == "")
    over = and_(table.c.out_to != "", table.c.out_to < day)
    return and_(table.c.available, or_(no_days, table.c.out_from > day, over))
