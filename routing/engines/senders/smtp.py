"""Hands messages over by SMTP. Also SMS, where a gateway takes them as mail to NUMBER@its-domain."""

from __future__ import annotations

import hashlib
import re
import smtplib
import ssl
from dataclasses import dataclass, field
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import parseaddr

from routing.errors import InvalidInput, SendError, SendRefused
from routing.model.notices import Message

TIMEOUT_S = 20.0
_ONE_ADDRESS = re.compile(r"[^\s@,;:<>()\"\\\x00-\x1f\x7f]+@[^\s@,;:<>()\"\\\x00-\x1f\x7f]+")
_ENCRYPTIONS = ("none", "starttls", "tls")


@dataclass(frozen=True, slots=True, kw_only=True)
class SmtpServer:
    """Where mail is handed over. `sender` is what recipients see as From: `Depot <orders@shop.example>`.

    `encryption`: "starttls" (port 587), "tls" (port 465) or "none" (this machine only).
    """

    host: str
    port: int
    sender: str
    user: str = ""
    password: str = field(default="", repr=False)
    encryption: str = "starttls"

    def __post_init__(self) -> None:
        if self.encryption not in _ENCRYPTIONS:
            raise InvalidInput(
                f'The encryption of the mail server is "{self.encryption}". Choose one of {", ".join(_ENCRYPTIONS)}.'
            )
        if "@" not in parseaddr(self.sender)[1]:
            raise InvalidInput(f'"{self.sender}" is no address to send from. Write it like orders@shop.example')


class SmtpSender:
    """Fits Sender. One connection a message: a company sends hundreds a day, not thousands a minute.

    With `recipient_domain` the recipient is a number, and the message goes to number@domain.
    """

    def __init__(self, server: SmtpServer, *, recipient_domain: str = "", timeout_s: float = TIMEOUT_S) -> None:
        self._server = server
        self._recipient_domain = recipient_domain
        self._timeout_s = timeout_s

    def send(self, message: Message) -> str:
        """Returns the Message-ID. Raises SendRefused when the server says no for good, SendError otherwise.

        The Message-ID is made of the message's key, so that a second hand-over of the same message is recognisable.
        """
        recipient = message.recipient
        if self._recipient_domain:
            recipient = f"{recipient}@{self._recipient_domain}"
        if not _ONE_ADDRESS.fullmatch(recipient):  # two of them, or a line break that starts a header of its own
            raise SendRefused(f"{recipient!r} is not one e-mail address. Correct the address of the contact.")
        mail = self._mail(message, recipient)
        where = f"{self._server.host} port {self._server.port}"
        try:
            with self._connected() as connection:
                connection.send_message(mail, to_addrs=[recipient])
        except smtplib.SMTPRecipientsRefused as problem:
            code, said = next(iter(problem.recipients.values()))
            raise _refusal(code, said, f"The mail server {where} does not take mail for {recipient}") from problem
        except smtplib.SMTPAuthenticationError as problem:
            # A wrong password is mended by the operator: the messages wait for it.
            raise SendError(
                f"The mail server {where} does not accept our user and password. Mend them under Settings, Messages, "
                "and BACKROUTE_SMTP_PASSWORD.",
                code="mail_password",
            ) from problem
        except smtplib.SMTPResponseException as problem:
            raise _refusal(problem.smtp_code, problem.smtp_error, f"The mail server {where} answered") from problem
        except (smtplib.SMTPException, OSError) as problem:
            raise SendError(f"The mail server {where} could not be reached: {problem}.", code="mail_down") from problem
        return str(mail["Message-ID"])

    def check(self) -> None:
        """Connects and signs in, and sends nothing. Raises SendError."""
        try:
            with self._connected() as connection:
                connection.noop()
        except (smtplib.SMTPException, OSError) as problem:
            where = f"{self._server.host} port {self._server.port}"
            raise SendError(f"The mail server {where} could not be used: {problem}.", code="mail_down") from problem

    def _connected(self) -> smtplib.SMTP:
        server = self._server
        # Said in the greeting; left to itself, smtplib asks the network for this machine's name.
        ours = parseaddr(server.sender)[1].rpartition("@")[2]
        if server.encryption == "tls":
            connection: smtplib.SMTP = smtplib.SMTP_SSL(
                server.host,
                server.port,
                local_hostname=ours,
                timeout=self._timeout_s,
                context=ssl.create_default_context(),
            )
        else:
            connection = smtplib.SMTP(server.host, server.port, local_hostname=ours, timeout=self._timeout_s)
            if server.encryption == "starttls":
                connection.starttls(context=ssl.create_default_context())
        if server.user:
            connection.login(server.user, server.password)
        return connection

    def _mail(self, message: Message, recipient: str) -> EmailMessage:
        name, sender = parseaddr(self._server.sender)
        domain = sender.rpartition("@")[2]
        mail = EmailMessage()
        mail["From"] = Address(display_name=name, addr_spec=sender)
        mail["To"] = recipient
        mail["Subject"] = " ".join(message.subject.split()) or " ".join(message.text.split())[:70]
        mail["Message-ID"] = f"<{hashlib.sha256(message.key.encode()).hexdigest()[:32]}@{domain}>"
        mail["Auto-Submitted"] = "auto-generated"
        mail.set_content(message.text)
        return mail


def _refusal(code: int, said: bytes | str, what: str) -> SendError:
    """SMTP's own line between for good (5xx) and for now (4xx)."""
    words = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
    sentence = f"{what}: {code} {' '.join(words.split())}."
    if 500 <= code < 600:
        return SendRefused(f"{sentence} Check the address of the contact.", smtp_code=code)
    return SendError(sentence, smtp_code=code)
