"""Plans: immutable versions. What is current is a pointer; what was executed is derived from events."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Float,
    LargeBinary,
    Table,
    UniqueConstraint,
    false,
)

from data.tables.base import Moment, count, key, metadata, refers, word

plan = Table(
    "plan",
    metadata,
    key(),
    refers("parent_id", "plan", nullable=True),
    word("from_day"),
    word("to_day"),
    Column("depot_ids", JSON, nullable=False),
    Column("problem", LargeBinary, nullable=False),  # compressed JSON, see data/mapping/plans.py
    word("region_build", default=""),
    Column("speeds", JSON),  # time of day: [profile, from, to, thousandths of the free time]; None: plans of before
    word("engine"),
    count("seed", default=0),
    count("iterations", default=0),
    Column("search_s", Float, nullable=False, default=0.0, server_default="0"),
    Column("cost", BigInteger, nullable=False),
    Column("served_by_tier", JSON, nullable=False),
    word("why"),  # planned | moved a stop | driver out ...
    word("by"),
    Column("made_at", Moment, nullable=False),
)

current_plan = Table(
    "current_plan",
    metadata,
    key(),
    refers("depot_id", "depot"),
    word("day"),
    refers("plan_id", "plan"),
    word("state", default="draft"),  # draft | dispatched | closed
    count("version", default=1),
    UniqueConstraint("depot_id", "day"),
    CheckConstraint("state IN ('draft', 'dispatched', 'closed')", name="state"),
)

plan_lock = Table(
    "plan_lock",  # a person's decision: an input of the next plan
    metadata,
    key(),
    word("day"),
    refers("delivery_id", "delivery"),
    refers("shift_id", "shift", nullable=True),  # None: stays out (locked_by_you)
    count("position", default=None, nullable=True),
    word("by"),
    Column("at", Moment, nullable=False),
    UniqueConstraint("day", "delivery_id"),
)

route = Table(
    "route",
    metadata,
    key(),
    refers("plan_id", "plan"),
    refers("shift_id", "shift"),
    count("sequence"),  # fixed order for colour and number
    Column("starts_at", Moment, nullable=False),
    Column("ends_at", Moment, nullable=False),
    Column("breaks", JSON, nullable=False),
    count("distance_m"),
    Column("cost", BigInteger, nullable=False),
    UniqueConstraint("plan_id", "shift_id"),
)

trip = Table(
    "trip",
    metadata,
    key(),
    refers("route_id", "route"),
    count("sequence"),
    Column("departs_at", Moment, nullable=False),
    Column("returns_at", Moment, nullable=False),
    count("distance_m"),
    UniqueConstraint("route_id", "sequence"),
)

stop = Table(
    "stop",
    metadata,
    key(),
    refers("trip_id", "trip"),
    count("sequence"),  # 1-based within the trip
    refers("site_id", "site"),
    Column("arrival", Moment, nullable=False),
    Column("start", Moment, nullable=False),
    Column("departure", Moment, nullable=False),
    count("distance_m"),
    count("travel_s"),
    Column("load", JSON, nullable=False),
    Column("windows", JSON),  # when service may begin: [from, to] in order; None: plans of before
    UniqueConstraint("trip_id", "sequence"),
)

stop_delivery = Table(
    "stop_delivery",
    metadata,
    key(),
    refers("stop_id", "stop"),
    refers("delivery_id", "delivery"),
    count("sequence"),
    UniqueConstraint("stop_id", "delivery_id"),
)

unassigned = Table(
    "unassigned",
    metadata,
    key(),
    refers("plan_id", "plan"),
    refers("delivery_id", "delivery"),
    Column("reasons", JSON, nullable=False),
    Column("proven", Boolean, nullable=False, default=False, server_default=false()),
    word("detail", default=""),
    UniqueConstraint("plan_id", "delivery_id"),
)
