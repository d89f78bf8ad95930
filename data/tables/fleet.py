"""Who drives what, from when to when."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Integer, Table, UniqueConstraint, true

from data.tables.base import count, key, metadata, refers, version, word

vehicle = Table(
    "vehicle",
    metadata,
    key(),
    word("source", default="own"),
    word("number"),
    word("name"),
    refers("depot_id", "depot"),
    word("profile", default="car"),
    count("weight_g"),
    count("volume_cm3"),
    count("pieces"),
    count("height_cm", default=None, nullable=True),
    count("length_cm", default=None, nullable=True),
    count("gross_kg", default=None, nullable=True),
    word("skills", default=""),  # equipment, ;-separated: tail_lift;cold
    count("reload_minutes"),  # at the depot between two trips: unloading what came back, loading what goes out
    count("most_trips", default=1),  # how often it may go out on one shift
    Column("available", Boolean, nullable=False, default=True, server_default=true()),
    word("out_from", default=""),  # ISO day from which it is not there; empty with out_to: it is there
    word("out_to", default=""),  # the last such day; empty with out_from: until somebody says otherwise
    word("out_why", default=""),
    word("gone_from", default=""),  # ISO day from which it is no longer ours; empty: it stays
    version(),
    UniqueConstraint("source", "number"),
)

driver = Table(
    "driver",
    metadata,
    key(),
    word("source", default="own"),
    word("number"),
    word("name"),
    refers("depot_id", "depot"),
    word("phone", default=""),
    word("email", default=""),
    word("language", default="en"),
    word("skills", default=""),
    word("licence", default=""),
    word("rule_set", default="none"),
    word("weekdays", default="mon,tue,wed,thu,fri"),
    Column("available", Boolean, nullable=False, default=True, server_default=true()),
    word("out_from", default=""),  # as of a vehicle: holidays, sick leave
    word("out_to", default=""),
    word("out_why", default=""),
    version(),
    UniqueConstraint("source", "number"),
)

shift = Table(
    "shift",
    metadata,
    key(),
    word("day"),  # ISO date it starts on, in the depot's zone
    refers("depot_id", "depot"),
    refers("vehicle_id", "vehicle"),
    refers("driver_id", "driver", nullable=True),
    count("crew", default=1),
    word("starts"),  # wall clock HH:MM
    word("ends"),
    count("loading_s", default=0),
    count("debrief_s", default=0),
    count("cost_fixed"),  # minor units
    count("cost_per_hour"),
    count("cost_per_km"),
    count("cost_per_stop"),  # of a door that is come to, however many deliveries
    count("overtime_s", default=0),  # how long the duty may last after `ends`
    count("cost_per_overtime_hour", default=0),  # on top of the paid hour
    count("max_stops", default=None, nullable=True),
    Column("max_distance_m", Integer),
    word("start_place", default="depot"),  # depot | anywhere
    word("end_place", default="depot"),
    word("rest_after", default="full"),  # full | reduced: what its driver rests before the next duty, by their rules
    word("state", default="planned"),  # planned | out (driver is out) | replaced | closed
    word("why", default=""),
    refers("replaces_id", "shift", nullable=True),  # a swap is a new shift
    Column("template_id", Integer, index=True),  # of the standing week; None: made for this day alone
    version(),
    UniqueConstraint("day", "vehicle_id", "driver_id", "starts"),
)

shift_break = Table(
    "shift_break",
    metadata,
    key(),
    refers("shift_id", "shift"),
    count("duration_s"),
    word("earliest"),  # wall clock HH:MM, the start of the break
    word("latest"),
)

shift_template = Table(
    "shift_template",  # the standing week: what `ensure_shifts` makes the shifts of a range of days from
    metadata,
    key(),
    word("source", default="own"),
    word("number"),
    refers("depot_id", "depot"),
    refers("vehicle_id", "vehicle"),
    refers("driver_id", "driver", nullable=True),
    count("crew", default=1),
    word("weekdays", default="mon,tue,wed,thu,fri"),
    word("starts"),  # wall clock HH:MM
    word("ends"),
    count("loading_s", default=0),
    count("debrief_s", default=0),
    count("cost_fixed"),  # minor units
    count("cost_per_hour"),
    count("cost_per_km"),
    count("cost_per_stop"),  # of a door that is come to, however many deliveries
    count("overtime_s", default=0),  # how long the duty may last after `ends`
    count("cost_per_overtime_hour", default=0),  # on top of the paid hour
    count("max_stops", default=None, nullable=True),
    Column("max_distance_m", Integer),
    word("start_place", default="depot"),  # depot | anywhere
    word("end_place", default="depot"),
    word("rest_after", default="full"),  # full | reduced: what its driver rests before the next duty, by their rules
    count("break_s"),
    word("break_earliest", default=""),
    word("break_latest", default=""),
    count("second_break_s", default=0),  # after the first: 15 and then 30 minutes are one break under EU hours
    word("second_break_earliest", default=""),
    word("second_break_latest", default=""),
    word("gone_from", default=""),  # ISO day from which nobody works it any more; empty: it runs on
    version(),
    UniqueConstraint("source", "number"),
)
