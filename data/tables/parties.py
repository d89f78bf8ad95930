"""Who buys, where it goes, who is told; depots, suppliers, calendars and zones."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    Boolean,
    CheckConstraint,
    Column,
    Float,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
    true,
)

from data.tables.base import Moment, count, key, metadata, refers, version, word

company = Table(
    "company",
    metadata,
    key(),
    word("name"),
    word("currency"),
    word("locale", default="en"),
    word("zone", default="UTC"),
    word("country", default=""),
    word("subdivision", default=""),  # of the country, for its public holidays: BY, ZH; empty: the whole country's
    word("phone", default=""),
    word("email", default=""),
    version(),
)

region = Table(
    "region",
    metadata,
    key(),
    Column("name", String, nullable=False, unique=True),
    word("build"),
    Column("facts", JSON, nullable=False),
    Column("built_at", Moment, nullable=False),
)

speed = Table(
    "speed",  # a slice of the day in which ways take longer, or less
    metadata,
    key(),
    refers("region_id", "region"),
    count("sequence"),
    word("weekdays", default=""),  # mon,tue; empty: any day
    word("begins"),  # wall clock of the depot
    word("ends"),
    count("percent"),  # of the free travel time
    word("profile", default=""),  # empty: every motor vehicle without rows of its own
    word("source", default="written"),  # written | learnt
    UniqueConstraint("region_id", "sequence"),
)

calendar = Table(
    "calendar",
    metadata,
    key(),
    word("scope"),  # company | depot | zone | site | supplier
    count("scope_id", default=0),
    word("weekdays", default="mon,tue,wed,thu,fri"),
    UniqueConstraint("scope", "scope_id"),
)

calendar_day = Table(
    "calendar_day",
    metadata,
    key(),
    refers("calendar_id", "calendar"),
    word("day"),  # ISO date
    Column("open", Boolean, nullable=False, default=False, server_default=false()),
    word("why", default=""),
    UniqueConstraint("calendar_id", "day"),
)

depot = Table(
    "depot",
    metadata,
    key(),
    word("source", default="own"),
    word("number"),
    word("name"),
    word("address", default=""),
    Column("lat", Float),
    Column("lon", Float),
    word("zone", default="UTC"),  # IANA time zone
    word("currency", default=""),
    refers("region_id", "region", nullable=True),
    count("put_away_s", default=0),
    version(),
    UniqueConstraint("source", "number"),
)

zone = Table(
    "zone",
    metadata,
    key(),
    refers("depot_id", "depot"),
    word("number"),
    word("name"),
    word("delivery_days", default="mon,tue,wed,thu,fri"),
    word("cut_off", default="23:59"),  # wall clock of the depot, on the day before
    word("postcodes", default=""),
    count("stops_a_day", default=None, nullable=True),  # None: as many as come
    UniqueConstraint("depot_id", "number"),
)

supplier = Table(
    "supplier",
    metadata,
    key(),
    word("source", default="own"),
    word("number"),
    word("name", default=""),
    word("email", default=""),
    word("language", default="en"),
    count("lead_days", default=0),  # 0: not known
    UniqueConstraint("source", "number"),
)

customer = Table(
    "customer",
    metadata,
    key(),
    word("source", default="own"),
    word("number"),
    word("name"),
    count("tier", default=1),
    Column("business", Boolean, nullable=False, default=True, server_default=true()),
    word("language", default="en"),
    word("rank_rule", default="normal"),
    word("salesperson", default=""),
    word("payment_hold", default=""),  # the reason; empty: none
    word("payment_hold_by", default=""),
    Column("payment_hold_at", Moment),
    Column("payment_hold_said", String),  # as the customers' file said it last; None: not known
    version(),
    UniqueConstraint("source", "number"),
    CheckConstraint("rank_rule IN ('never_loses', 'normal', 'may_give_up')", name="rank_rule"),
)

site = Table(
    "site",
    metadata,
    key(),
    refers("customer_id", "customer"),
    word("source", default="own"),
    word("number"),
    word("name"),
    word("address"),
    word("postcode", default=""),
    word("city", default=""),
    word("country", default=""),
    word("zone", default=""),  # IANA; empty: the depot's
    refers("delivery_zone_id", "zone", nullable=True),
    Column("lat", Float),
    Column("lon", Float),
    word("pin_quality", default="not_found"),
    word("pin_provider", default=""),
    word("pin_label", default=""),
    word("pin_why", default=""),
    word("pin_by", default=""),
    Column("pin_at", Moment),
    Column("pin_candidates", JSON),
    word("delivery_days", default=""),  # empty: the zone's
    count("service_s", default=300),
    count("service_s_per_case", default=0),
    count("parking_s", default=0),
    count("late_s", default=0),  # so long after its hours goods are still taken
    count("late_per_minute", default=0),  # what that costs us, minor units
    word("known_to", default=""),  # numbers of the drivers who know it, ;-separated; empty: everybody
    count("stranger_price", default=0),  # what it costs when another driver comes, minor units
    word("vehicles", default=""),  # numbers of those that may come, ;-separated; empty: any
    word("run", default=""),  # number of the vehicle that comes as a rule; empty: none
    word("motor_hours", default=""),  # when motor vehicles may drive there, as "06:00-10:00;18:00-22:00"; empty: always
    count("max_height_cm", default=None, nullable=True),
    count("max_length_cm", default=None, nullable=True),
    count("max_weight_kg", default=None, nullable=True),
    word("skills", default=""),  # ;-separated
    count("crew", default=1),
    Column("notes", Text, nullable=False, default="", server_default=""),
    Column("gate_code", Text, nullable=False, default="", server_default=""),
    version(),
    UniqueConstraint("source", "number"),
)

site_window = Table(
    "site_window",
    metadata,
    key(),
    refers("site_id", "site"),
    word("weekdays", default=""),  # empty: every delivery day
    word("opens"),  # wall clock HH:MM
    word("closes"),
    word("kind", default="begin_by"),
    CheckConstraint("kind IN ('begin_by', 'finish_by')", name="kind"),
)

contact = Table(
    "contact",
    metadata,
    key(),
    refers("customer_id", "customer"),
    refers("site_id", "site", nullable=True),
    word("name"),
    word("role"),  # buyer | goods_in
    word("channel"),  # email | sms
    word("address"),
    word("language", default=""),
    Column("consent", Boolean, nullable=False, default=False, server_default=false()),
    word("consent_source", default=""),
    Column("consent_at", Moment),
    word("quiet_from", default="21:00"),
    word("quiet_to", default="08:00"),
    UniqueConstraint("customer_id", "site_id", "role", "channel", "address"),
)

address_pin = Table(
    "address_pin",
    metadata,
    key(),
    word("address_key"),  # the normalised address text; remembered for every later order to it
    refers("site_id", "site", nullable=True),
    Column("lat", Float, nullable=False),
    Column("lon", Float, nullable=False),
    word("label", default=""),
    word("by"),
    Column("at", Moment, nullable=False),
    UniqueConstraint("address_key", "site_id"),
)

geocode_answer = Table(
    "geocode_answer",
    metadata,
    key(),
    word("provider"),
    word("address_key"),
    Column("answer", JSON, nullable=False),
    Column("at", Moment, nullable=False),
    Column("keep_until", Moment),
    UniqueConstraint("provider", "address_key"),
)
