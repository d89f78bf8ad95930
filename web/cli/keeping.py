"""backroute doctor, backup, restore, create-admin."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from data.backup import backup, restore
from data.health import Check, check_files, check_rows
from data.migrate import known_versions, newest_version, schema_version
from data.store import SqlStore, open_store
from routing.errors import BackrouteError, InvalidInput
from routing.model.notices import Channel
from web.cli.output import json_option, print_json
from web.clock import wall_clock
from web.wiring import Installation, default_home, open_installation

_MARKS = {"ok": ("ok  ", "green"), "warn": ("warn", "yellow"), "fail": ("FAIL", "red")}


@click.command("doctor")
@json_option
def doctor_command(as_json: bool) -> None:
    """Say what is right, what is not, and the mend. Ends with 1 when something is wrong."""
    checks = examine()
    if as_json:
        print_json({"healthy": all(check.state != "fail" for check in checks), "checks": checks})
    else:
        widest = max(len(check.name) for check in checks)
        for check in checks:
            mark, colour = _MARKS[check.state]
            click.echo(f"{click.style(mark, fg=colour)}  {check.name:<{widest}} {check.sentence}")
            if check.mend and check.state != "ok":
                click.echo(f"{'':{widest + 7}}→ {check.mend}")
    if any(check.state == "fail" for check in checks):
        sys.exit(1)


def examine() -> list[Check]:
    """Every check of the installation in BACKROUTE_HOME; changes nothing."""
    try:
        installation = open_installation(migrate=False)
    except InvalidInput as error:
        return [Check(name="database", state="fail", sentence=str(error))]
    with installation:
        checks = [_database(installation)]
        if checks[0].state != "fail":
            with installation.database.reading() as connection:
                checks += check_rows(connection)
                checks.append(check_files(connection, installation.files))
        checks += [_secret(installation), _regions(installation), _address(installation)]
        if checks[0].state != "fail":
            checks.append(_mail(installation))
        return checks


def _database(installation: Installation) -> Check:
    where = installation.database.url.render_as_string(hide_password=True)
    stands, newest = schema_version(installation.database), newest_version()
    if stands is None:
        mend = "Start it once: backroute serve. Or restore a backup: backroute restore FILE"
        return Check(name="database", state="fail", sentence=f"{where} is empty.", mend=mend)
    if stands != newest:
        return Check(
            name="database",
            state="fail",
            sentence=f"{where} has schema {stands}, this version of Backroute needs {newest}.",
            mend="Keep a backup, then start this version once: backroute serve"
            if stands in known_versions()
            else "Install the newer Backroute again, or restore a backup of this one.",
        )
    return Check(name="database", state="ok", sentence=f"{where} answers and has schema {stands}.")


def _secret(installation: Installation) -> Check:
    path = installation.home / "secret"
    mode = path.stat().st_mode & 0o777
    if mode & 0o077:
        return Check(
            name="secret",
            state="fail",
            sentence=f"{path} can be read by others (mode {mode:o}).",
            mend=f"chmod 600 {path}",
        )
    return Check(name="secret", state="ok", sentence="The secret can be read by its owner only.")


def _regions(installation: Installation) -> Check:
    regions = installation.regions.list()
    if broken := installation.regions.broken():
        return Check(name="regions", state="fail", sentence=" ".join(broken.values()))
    if not regions:
        return Check(
            name="regions",
            state="warn",
            sentence="There is no region: nothing can be planned on roads.",
            mend="backroute region add NAME --pbf FILE",
        )
    said = ", ".join(f"{facts.name} ({facts.addresses:,} addresses)" for facts in regions)
    return Check(name="regions", state="ok", sentence=f"{said}.")


def _address(installation: Installation) -> Check:
    if installation.is_https:
        return Check(name="address", state="ok", sentence=f"Pages are at {installation.public_url}.")
    return Check(
        name="address",
        state="warn",
        sentence=f"{installation.public_url} has no HTTPS: a driver's phone gives such a page no camera, no place and "
        "no outbox for when there is no signal.",
        mend="Put Caddy in front and set BACKROUTE_PUBLIC_URL=https://... (see the README).",
    )


def _mail(installation: Installation) -> Check:
    from routing.engines.senders.smtp import SmtpSender
    from web.outbox import outbound_of

    with installation.database.reading() as connection:
        outbound = outbound_of(SqlStore(connection))
    if outbound.mode == "off":
        return Check(
            name="mail",
            state="warn",
            sentence="Sending is off: messages wait.",
            mend="Switch it on under Settings, Messages: first to a test recipient, then for real.",
        )
    sender = installation.senders.get(Channel.EMAIL)
    if not isinstance(sender, SmtpSender):
        return Check(
            name="mail",
            state="fail",
            sentence="Sending is on, but no mail server is set.",
            mend="Set one under Settings, Messages.",
        )
    try:
        sender.check()
    except BackrouteError as error:
        if installation.clock.is_demo:
            return Check(
                name="mail",
                state="warn",
                sentence="The demo's mailbox is closed: it is open while the demo is served.",
                mend="backroute serve",
            )
        return Check(name="mail", state="fail", sentence=str(error), mend="Mend it under Settings, Messages.")
    return Check(name="mail", state="ok", sentence=f"The mail server answers; sending is on ({outbound.mode}).")


# ---------------------------------------------------------------------------- backup and restore


@click.command("backup")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@json_option
def backup_command(file: Path, as_json: bool) -> None:
    """Write everything into FILE while the server runs: the tables at one moment, the files, the secret."""
    with open_installation() as installation:
        kept = backup(
            database=installation.database,
            files=installation.files,
            secret=installation.secret,
            into=file.resolve(),
            now=wall_clock(),
        )
    if as_json:
        print_json({"file": file.resolve(), "rows": dict(kept.rows), "files": kept.files, "missing": kept.missing})
    else:
        click.echo(
            f"{file}: {sum(kept.rows.values()):,} rows and {kept.files:,} files. Keep it safe: it opens everything."
        )
    if kept.missing:
        click.echo(f"{len(kept.missing)} files were missing and are not in it; backroute doctor names them.", err=True)
        sys.exit(1)


@click.command("restore")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--force", is_flag=True, help="Replace the installation that is there. Stop its server first.")
@json_option
def restore_command(file: Path, force: bool, as_json: bool) -> None:
    """Bring an installation back from FILE into an empty BACKROUTE_HOME (and BACKROUTE_DATABASE_URL), all or nothing.

    Regions are not in a backup: build them again with `backroute region add`.
    """
    home = default_home().resolve()
    url = os.environ.get("BACKROUTE_DATABASE_URL") or f"sqlite:///{home / 'backroute.db'}"
    kept = restore(source=file, home=home, url=url, force=force)
    if as_json:
        print_json({"home": home, "rows": dict(kept.rows), "files": kept.files})
        return
    click.echo(f"{home}: {sum(kept.rows.values()):,} rows and {kept.files:,} files are back.")


# ---------------------------------------------------------------------------- people


@click.command("create-admin")
@click.argument("email")
@click.option("--name", default="", help="What events show; the part before the @ if left out.")
@click.option("--link", is_flag=True, help="Print a link that works once instead of asking for a password.")
def create_admin_command(email: str, name: str, link: bool) -> None:
    """Make the person who may do everything: asks for a password, or prints a link when there is nobody to ask."""
    from web.passwords import hash_password, wrong_password
    from web.people import SET_UP_FOR

    if email.count("@") != 1 or not all(email.split("@")):
        raise InvalidInput(f"{email} is no e-mail address. Write it like name@example.com.")
    with open_installation() as installation:
        now = installation.clock.now()
        if link or not sys.stdin.isatty():
            with open_store(installation.database) as store:
                link_id = store.add_link(
                    kind="set_up",
                    subject_kind="installation",
                    subject_id=0,
                    made_at=now,
                    expires_at=now + SET_UP_FOR,
                    secret=installation.secret,
                )
                token = store.link_token(link_id=link_id, secret=installation.secret)
            click.echo(f"Open this once, within {SET_UP_FOR.days} days: {installation.address(f'/set-up/{token}')}")
            return
        password = click.prompt("Password", hide_input=True, confirmation_prompt=True)
        if why := wrong_password(password, name=name, email=email):
            raise InvalidInput(why)
        with open_store(installation.database) as store:
            store.add_account(
                email=email,
                name=name or email.partition("@")[0],
                role="admin",
                password_hash=hash_password(password),
                made_at=now,
            )
            # A set-up link that `serve` printed before would make another administrator.
            store.revoke_links(kind="set_up", subject_kind="installation", subject_id=0, now=now)
        click.echo(f"{email} can sign in now.")
