"""Who may come in: signing in and out, roles, and the link that makes the first account."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import TYPE_CHECKING, ParamSpec
from urllib.parse import urlsplit

from flask import Blueprint, Flask, flash, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import LoginManager, UserMixin, current_user, login_user, logout_user

from data.queries.people import Account, account_by_email, account_by_id, count_accounts
from data.store import SqlStore, open_store
from routing.errors import NotAllowed
from web.clock import wall_clock
from web.here import here, now
from web.passwords import hash_password, password_fits, wrong_password
from web.security import ACCOUNT_LIMIT, LOGIN_LIMIT, limiter

if TYPE_CHECKING:
    from web.wiring import Installation

P = ParamSpec("P")

people = Blueprint("people", __name__)

ROLES = ("dispatcher", "warehouse", "salesperson", "viewer", "admin")
SET_UP_FOR = timedelta(days=7)
SIGNED_IN_FOR = timedelta(hours=16)
"""A working day with its overtime: who signs in at 05:40 is asked again the next morning. By the machine's own time,
because the demo's clock jumps."""
LONGEST_EMAIL = 254


class Person(UserMixin):
    """The account of this request. Its session ends when the account's session version moves on."""

    def __init__(self, account: Account) -> None:
        self.account = account
        self.email = account.email
        self.name = account.name
        self.role = account.role
        self.language = account.language

    def get_id(self) -> str:
        return f"{self.account.id}:{self.account.session_version}"

    @property
    def called(self) -> frozenset[str]:
        """The names that their tasks call them by: their own, their role's, and an administrator's also by that of the
        dispatcher, in whose place one stands."""
        stands_in = {"dispatcher"} if self.role == "admin" else set()
        return frozenset({self.name, self.email, self.role, *stands_in} - {""})

    @property
    def actor(self) -> str:
        """How events name this person."""
        return f"user:{self.account.id}"


def register_people(app: Flask) -> None:
    manager = LoginManager(app)
    manager.user_loader(_load)
    manager.unauthorized_handler(_sign_in_first)
    app.jinja_env.globals["role_word"] = role_word


def _load(session_id: str) -> Person | None:
    number, _colon, version = session_id.partition(":")
    since = session.get("since")
    if not number.isdecimal() or not isinstance(since, int):
        return None
    if not 0 <= wall_clock().timestamp() - since < SIGNED_IN_FOR.total_seconds():
        return None
    with here().database.reading() as connection:
        account = account_by_id(connection, int(number))
    if account is None or str(account.session_version) != version:
        return None
    return Person(account)


def _sign_in_first() -> ResponseReturnValue:
    if request.method == "GET" and request.accept_mimetypes.accept_html:
        return redirect(url_for("people.sign_in", next=request.full_path.rstrip("?")))
    raise NotAllowed(_("Sign in first."), code="sign_in")


def needs_role(*roles: str) -> Callable[[Callable[P, ResponseReturnValue]], Callable[P, ResponseReturnValue]]:
    """Only for people signed in with one of these roles (none given: with any); an administrator may do everything."""

    def guard(view: Callable[P, ResponseReturnValue]) -> Callable[P, ResponseReturnValue]:
        @wraps(view)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> ResponseReturnValue:
            if not current_user.is_authenticated:
                return _sign_in_first()
            if roles and current_user.role not in (*roles, "admin"):
                words = ", ".join(role_word(role) for role in roles)
                raise NotAllowed(
                    _(
                        "Your role (%(role)s) may not do this. It is for: %(roles)s.",
                        role=role_word(current_user.role),
                        roles=words,
                    )
                )
            return view(*args, **kwargs)

        return guarded

    return guard


def role_word(role: str) -> str:
    return {
        "dispatcher": _("dispatcher"),
        "warehouse": _("warehouse"),
        "salesperson": _("salesperson"),
        "viewer": _("viewer"),
        "admin": _("administrator"),
    }.get(role, role)


# ---------------------------------------------------------------------------- signing in and out


def _account_asked_for() -> str:
    return "account " + _email().strip().lower()


def _email() -> str:
    return request.form.get("email", "")[:LONGEST_EMAIL]


@people.route("/login", methods=["GET", "POST"])
@limiter.limit(LOGIN_LIMIT, methods=["POST"])
@limiter.limit(
    ACCOUNT_LIMIT,
    key_func=_account_asked_for,
    methods=["POST"],
    deduct_when=lambda response: response.status_code == 401,  # who knows the password never uses it up
)
def sign_in() -> ResponseReturnValue:
    if current_user.is_authenticated:
        return redirect(next_page())
    email = _email()
    if request.method == "GET":
        return render_template("people/login.html", email=email, wrong="")
    with here().database.reading() as connection:
        account = account_by_email(connection, email)
    fits = password_fits(request.form.get("password", ""), account.password_hash if account else None)
    if account is None or not fits:
        wrong = _("This e-mail and password do not belong together. Check both and try again.")
        return render_template("people/login.html", email=email, wrong=wrong), 401
    begin_session(account)
    return redirect(next_page())


def begin_session(account: Account) -> None:
    """From here on this browser is that person. Nothing of the session before is kept."""
    session.clear()
    session["since"] = int(wall_clock().timestamp())
    login_user(Person(account))


@people.post("/logout")
def sign_out() -> ResponseReturnValue:
    """Ends this person's sessions on every device: a cookie that somebody copied is worth nothing afterwards."""
    if current_user.is_authenticated:
        with open_store(here().database) as store:
            store.end_sessions(account_id=current_user.account.id)
    logout_user()
    session.clear()
    return redirect(url_for("people.sign_in"))


@people.route("/password", methods=["GET", "POST"])
@limiter.limit(LOGIN_LIMIT, methods=["POST"])
@needs_role()
def change_password() -> ResponseReturnValue:
    """One's own; every other session of this person ends, this one goes on."""
    if request.method == "GET":
        return render_template("people/password.html", wrong={})
    account = current_user.account
    wrong = {}
    if not password_fits(request.form.get("old", ""), account.password_hash):
        wrong["old"] = _("This is not your password now. Nothing was changed.")
    elif why := wrong_password(request.form.get("password", ""), name=account.name, email=account.email):
        wrong["password"] = _(why)
    if wrong:
        return render_template("people/password.html", wrong=wrong), 422
    with open_store(here().database) as store:
        store.set_password(account_id=account.id, password_hash=hash_password(request.form["password"]))
        changed = account_by_email(store.connection, account.email)
    if changed is not None:
        begin_session(changed)
    flash(_("Your password is changed. You are signed out everywhere else."), "done")
    return redirect("/")


def next_page() -> str:
    """Where the person wanted to go, but only on this site."""
    wanted = request.args.get("next", "")
    parts = urlsplit(wanted)
    is_ours = wanted.startswith("/") and not wanted.startswith(("//", "/\\")) and not parts.netloc and not parts.scheme
    return wanted if is_ours else "/"


# ---------------------------------------------------------------------------- the first account


def first_set_up_path(installation: Installation) -> str | None:
    """The path of the link that makes the first account, for `serve` to print; None once there is one."""
    with installation.database.reading() as connection:
        if count_accounts(connection):
            return None
    with open_store(installation.database) as store:
        moment = installation.clock.now()
        link_id = store.add_link(
            kind="set_up",
            subject_kind="installation",
            subject_id=0,
            made_at=moment,
            expires_at=moment + SET_UP_FOR,
            secret=installation.secret,
        )
        return f"/set-up/{store.link_token(link_id=link_id, secret=installation.secret)}"


@people.route("/set-up/<token>", methods=["GET", "POST"])
@limiter.limit(LOGIN_LIMIT)
def set_up(token: str) -> ResponseReturnValue:
    form = {name: request.form.get(name, "").strip() for name in ("name", "email")}
    password = request.form.get("password", "")
    with open_store(here().database) as store:
        link = store.open_link(token=token, kind="set_up", now=now())
        wrong = _wrong_account(**form, password=password) if request.method == "POST" else {}
        account = None
        if request.method == "POST" and not wrong:
            account = _first_account(store, link_id=link.id, form=form, password=password)
    if account is None:
        return render_template("people/set_up.html", form=form, wrong=wrong), 422 if wrong else 200
    begin_session(account)  # who has just chosen the password is not asked for it again
    flash(_("The account is made, and you are signed in."), "done")
    return redirect("/")


def _first_account(store: SqlStore, *, link_id: int, form: dict[str, str], password: str) -> Account | None:
    store.use_link(link_id=link_id, now=now())
    store.add_account(
        email=form["email"], name=form["name"], role="admin", password_hash=hash_password(password), made_at=now()
    )
    return account_by_email(store.connection, form["email"])


def _wrong_account(*, name: str, email: str, password: str) -> dict[str, str]:
    wrong = {}
    if not name:
        wrong["name"] = _("Give a name: events will carry it.")
    if email.count("@") != 1 or not all(email.split("@")):
        wrong["email"] = _("This is no e-mail address. Write it like name@example.com.")
    if why := wrong_password(password, name=name, email=email):
        wrong["password"] = _(why)
    return wrong
