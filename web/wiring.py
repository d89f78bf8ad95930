"""Opens an installation: the one place that builds the store, the engines and the senders, and hands them on.

An installation is a folder, `~/.backroute` unless BACKROUTE_HOME names another:

    backroute.db   the database (BACKROUTE_DATABASE_URL names a PostgreSQL instead)
    secret         what sessions and links are signed with; made once, readable by its owner only
    files/         photos, signatures, slips, by their SHA-256
    regions/       built regions: roads, addresses, basemap
    mail/          what the demo's own mailbox received
"""

from __future__ import annotations

import logging
import os
import re
import secrets
import threading
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from sqlalchemy.exc import ArgumentError, DatabaseError

from data.db import Database, fault_of
from data.files import FolderFiles
from data.migrate import upgrade
from data.store import SqlStore
from routing.errors import InvalidInput, TravelError
from routing.model.notices import Channel
from routing.ports import Sender, Solver
from web.clock import InstallationClock
from web.uploads import Uploads

if TYPE_CHECKING:
    from data.regions import Regions
    from routing.engines.addresses.geocoder import GeocoderFinder
    from routing.engines.addresses.providers import Provider, ProviderSettings
    from routing.engines.roads.overpass import OsmServers
    from routing.engines.roads.reachable import ReachableAreas
    from routing.engines.roads.travel import Engine
    from routing.model.places import Bounds, Location
    from routing.ports import AddressFinder
    from routing.rules.tracks import Piece

log = logging.getLogger("backroute.wiring")

DEFAULT_PUBLIC_URL = "http://127.0.0.1:8000"
SERVED_AT = "served-at"
"""The file of a home that says where its pages last were, so that links made by other commands lead there."""
DEFAULT_BROKER_URL = "memory://"
BROKERS = ("memory", "amqp", "amqps", "pyamqp", "redis", "rediss")
SECRET_BYTES = 32


class Installation:
    """What a process works with: opened once, passed on, closed at the end. Engines are loaded when first asked for."""

    def __init__(self, *, home: Path, database: Database, secret: bytes, public_url: str, broker_url: str) -> None:
        self.home = home
        self.database = database
        self.secret = secret
        self.public_url = public_url.rstrip("/")
        self.broker_url = broker_url
        self.clock = InstallationClock(database)
        self.files = FolderFiles(home / "files")
        self.uploads = Uploads(home / "imports")
        self.mail_folder = home / "mail"
        self._lock = threading.Lock()
        # By the folder of the build, which a new build of the region replaces: what is asked next reads the new one.
        # What it replaced may be answering somebody still, so all are closed together, at the end.
        self._travel: dict[Path, Engine] = {}
        self._addresses: dict[Path, GeocoderFinder] = {}
        self._reachable: dict[Path, ReachableAreas] = {}
        self._provider: tuple[ProviderSettings, Provider] | None = None

    # ------------------------------------------------------------------ regions

    @cached_property
    def regions(self) -> Regions:
        from data.regions import Regions

        return Regions(self.home / "regions")

    @property
    def osm_servers(self) -> OsmServers:
        """Whom a place is fetched from: the public servers, or those that the settings name. Raises InvalidInput."""
        from routing.engines.roads.overpass import NOMINATIM_URL, OVERPASS_URL, OsmServers

        return OsmServers(
            overpass_url=_web_address("BACKROUTE_OVERPASS_URL", OVERPASS_URL),
            nominatim_url=_web_address("BACKROUTE_NOMINATIM_URL", NOMINATIM_URL),
        )

    def travel(self, region: str) -> Engine:
        """Travel times in a region, from the best engine there is; one per process and build. Raises NotFound."""
        from routing.engines.roads.travel import travel_times

        folder = self.regions.directory(region)
        build = folder.resolve()
        with self._lock:
            if build not in self._travel:
                self._travel[build] = travel_times(folder)
            return self._travel[build]

    def driven_along(self, region: str, profile: str, tracks: Sequence[Piece]) -> list[int | None]:
        """Of each track in a region the free seconds of the roads it was driven along; None where those cannot be told.
        Raises NotFound, TravelError."""
        from routing.engines.roads.travel import driven_along

        return driven_along(self.travel(region), tracks, profile=profile)

    def near_roads(self, region: str) -> Callable[[Sequence[Location]], Sequence[frozenset[str]]]:
        """Tells of each place for which profiles a road of the region is in reach; all of them, when the roads do not
        answer: whoever plans is told that then. Raises NotFound."""
        from routing.engines.roads.profiles import PROFILES
        from routing.engines.roads.travel import near_roads

        engine = self.travel(region)

        def ask(places: Sequence[Location]) -> Sequence[frozenset[str]]:
            try:
                return near_roads(engine, places)
            except TravelError as unanswered:
                log.warning("Whether roads are in reach is not known: %s", unanswered)
                return [frozenset(PROFILES)] * len(places)

        return ask

    def area(self, region: str) -> Bounds:
        """The box within which a region's roads are whole. Raises NotFound, RegionError."""
        return self.regions.facts(region).bounds

    def reachable(self, region: str) -> ReachableAreas:
        """What is reached within a time in a region, as it was built last. Raises NotFound."""
        from routing.engines.roads.reachable import ReachableAreas

        folder = self.regions.directory(region)
        build = folder.resolve()
        with self._lock:
            if build not in self._reachable:
                # A graph takes memory, and nobody asks the roads of yesterday: what was replaced goes at once.
                self._reachable = {at: areas for at, areas in self._reachable.items() if at.is_dir()}
                self._reachable[build] = ReachableAreas(folder)
            return self._reachable[build]

    def addresses(self, region: str) -> GeocoderFinder:
        """The addresses of a region, as it was built last. Raises NotFound."""
        from data.regions import ADDRESSES_FILE
        from routing.engines.addresses.gazetteer import Gazetteer
        from routing.engines.addresses.geocoder import GazetteerGeocoder, GeocoderFinder

        build = self.regions.directory(region).resolve()
        with self._lock:
            if build not in self._addresses:
                self._addresses[build] = GeocoderFinder(GazetteerGeocoder(Gazetteer(build / ADDRESSES_FILE)))
            return self._addresses[build]

    def finder(self, region: str) -> AddressFinder:
        """Who finds addresses in a region: its gazetteer, and behind it the provider that was named, if any was. Read
        anew from the settings, because a person may change them while the server runs. Raises NotFound."""
        from routing.engines.addresses.providers import FinderWithProvider, Provider
        from web.geocoder import SETTING, KeptAnswers, provider_settings

        own = self.addresses(region)
        with self.database.reading() as connection:
            settings = provider_settings(SqlStore(connection).setting(SETTING))
        if settings is None:
            return own
        with self._lock:
            # One for all threads: a provider counts its questions and its rests.
            if self._provider is None or self._provider[0] != settings:
                self._provider = (settings, Provider(settings))
            return FinderWithProvider(own, self._provider[1], KeptAnswers(self.database))

    # ------------------------------------------------------------------ engines

    @cached_property
    def solver(self) -> Solver:
        from routing.engines.solver.parts import solve_in_parts

        return solve_in_parts

    def compile_ahead(self) -> None:
        """Begins to compile the search if this machine has not yet done so: the first plan shall not wait for it."""
        from routing.engines.solver.process import compile_ahead

        compile_ahead(otherwise=self.home / "compiled")

    @property
    def senders(self) -> Mapping[Channel, Sender]:
        """Who hands messages over, by channel; a channel without a sender is missing. Read anew from the settings,
        because a person may change them while the server runs."""
        from routing.engines.senders.smtp import SmtpSender, SmtpServer

        with self.database.reading() as connection:
            mail = SqlStore(connection).setting("mail")
        if not mail:
            return {}
        server = SmtpServer(
            host=str(mail["host"]),
            port=int(mail["port"]),
            sender=str(mail["sender"]),
            user=str(mail.get("user", "")),
            password=os.environ.get("BACKROUTE_SMTP_PASSWORD", ""),
            encryption=str(mail.get("encryption", "starttls")),
        )
        found: dict[Channel, Sender] = {Channel.EMAIL: SmtpSender(server)}
        sms_domain = str(mail.get("sms_domain", ""))  # a gateway that takes SMS as mail to NUMBER@domain
        if sms_domain:
            found[Channel.SMS] = SmtpSender(server, recipient_domain=sms_domain)
        return found

    # ------------------------------------------------------------------ addresses of pages

    def address(self, path: str) -> str:
        """The public address of a page: address("/t/abc")."""
        return f"{self.public_url}/{path.lstrip('/')}"

    def serves_at(self, address: str) -> None:
        """The pages are here now: other commands make their links for it, unless BACKROUTE_PUBLIC_URL says where."""
        if not os.environ.get("BACKROUTE_PUBLIC_URL"):
            self.public_url = address
        if self.public_url.startswith("http://127.0.0.1:"):
            (self.home / SERVED_AT).write_text(f"{self.public_url}\n", encoding="ascii")

    @property
    def is_https(self) -> bool:
        """Without HTTPS a phone gives a page no camera, no place and no outbox; this machine itself is excepted."""
        parts = urlsplit(self.public_url)
        return parts.scheme == "https" or parts.hostname in ("127.0.0.1", "localhost", "::1")

    def close(self) -> None:
        for engine in (*self._travel.values(), *self._addresses.values()):
            close = getattr(engine, "close", None)
            if close is not None:
                close()
        self._travel.clear()
        self._reachable.clear()
        self._addresses.clear()
        self.database.close()

    def __enter__(self) -> Installation:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def default_home() -> Path:
    return Path(os.environ.get("BACKROUTE_HOME") or Path.home() / ".backroute").expanduser()


def open_installation(home: Path | None = None, *, migrate: bool = True) -> Installation:
    """Opens the installation in `home`, made when missing, its database brought to the newest schema.

    Raises InvalidInput when the database cannot be reached, or its address or the broker's cannot be read.
    """
    home = (home or default_home()).expanduser().resolve()
    try:
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as problem:
        raise InvalidInput(
            f"The folder {home} cannot be made: {problem.strerror}. Name another: BACKROUTE_HOME=/path", code="home"
        ) from problem
    broker_url = os.environ.get("BACKROUTE_BROKER_URL") or DEFAULT_BROKER_URL
    if broker_url.partition("://")[0] not in BROKERS or "://" not in broker_url:
        raise InvalidInput(
            "BACKROUTE_BROKER_URL cannot be read. It looks like amqp://user:password@host/ or redis://host/0; "
            "without it the server does its work itself.",
            code="broker_url",
        )
    url = os.environ.get("BACKROUTE_DATABASE_URL") or f"sqlite:///{home / 'backroute.db'}"
    database = open_database(url, migrate=migrate)
    return Installation(
        home=home,
        database=database,
        secret=_secret(home / "secret"),
        public_url=os.environ.get("BACKROUTE_PUBLIC_URL") or _last_served(home) or DEFAULT_PUBLIC_URL,
        broker_url=broker_url,
    )


def _last_served(home: Path) -> str:
    """Where `serve` last was in this home; "" when it never was, or the file says anything else."""
    try:
        said = (home / SERVED_AT).read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return ""
    return said if re.fullmatch(r"http://127\.0\.0\.1:\d{1,5}", said) else ""


def served_at(port: int) -> None:
    """Links of this process lead to the port it serves, unless BACKROUTE_PUBLIC_URL says where people come in."""
    if port:
        os.environ.setdefault("BACKROUTE_PUBLIC_URL", f"http://127.0.0.1:{port}")


def open_database(url: str, *, migrate: bool = True) -> Database:
    """Raises InvalidInput when it cannot be reached."""
    try:
        database = Database(url)
    except (ArgumentError, ImportError, ValueError) as problem:  # ValueError: a port that is no number
        raise InvalidInput(
            "BACKROUTE_DATABASE_URL cannot be read. It looks like postgresql://user:password@host/backroute "
            "or sqlite:////path/backroute.db",
            code="database_url",
        ) from problem
    try:
        if database.is_sqlite and database.url.database in (None, "", ":memory:"):
            # Every thread would have an empty one of its own.
            raise InvalidInput(
                "BACKROUTE_DATABASE_URL names no file for SQLite. It looks like sqlite:////path/backroute.db",
                code="database_url",
            )
        with database.reading():
            pass
        if migrate:
            upgrade(database)
    except DatabaseError as problem:
        sentence = fault_of(problem, database.url.render_as_string(hide_password=True))
        database.close()
        raise InvalidInput(sentence, code="database_unreachable") from problem
    return database


def _web_address(setting: str, otherwise: str) -> str:
    """Raises InvalidInput."""
    address = os.environ.get(setting) or otherwise
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise InvalidInput(f"{setting} cannot be read. It looks like {otherwise}", code="web_address", setting=setting)
    return address


def _secret(path: Path) -> bytes:
    """32 random bytes, made once however many processes start together. Raises InvalidInput."""
    try:
        if not path.exists():
            _make_secret(path)
        secret = bytes.fromhex(path.read_text().strip())
    except OSError as problem:
        raise InvalidInput(
            f"The secret {path} cannot be read or written: {problem.strerror}. Give its folder back to this user, with "
            "room to write, or restore a backup.",
            code="secret",
        ) from problem
    except ValueError:
        secret = b""
    if len(secret) != SECRET_BYTES:  # an empty file would sign links that anybody can forge
        raise InvalidInput(f"{path} holds no secret of ours. Restore it from a backup.", code="secret")
    return secret


def _make_secret(path: Path) -> None:
    aside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_hex(SECRET_BYTES))
        os.link(aside, path)  # fails when another process was first: its secret counts
    except FileExistsError:
        pass
    finally:
        aside.unlink(missing_ok=True)
