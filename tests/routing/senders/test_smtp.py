"""Handing over by SMTP, against a real server on this machine."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from email import message_from_bytes, policy
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from routing.engines.senders.smtp import SmtpSender, SmtpServer
from routing.errors import InvalidInput, SendError, SendRefused
from routing.model.notices import Channel, Message

MESSAGE = Message(
    key="notice-7",
    channel=Channel.EMAIL,
    recipient="cafe12@shop.example",
    subject="Ulkona tänään, noin klo 10.20",
    text="Hei,\n\n12 kpl kauramaitoa.\n",
)


class Answers:
    """A mail server that answers what the test says."""

    def __init__(self, to_recipient: str = "250 OK", to_data: str = "250 OK") -> None:
        self.to_recipient, self.to_data = to_recipient, to_data
        self.received: list[Any] = []

    async def handle_RCPT(self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any) -> str:
        if self.to_recipient.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.to_recipient

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
        if self.to_data.startswith("250"):
            self.received.append(envelope)
        return self.to_data


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def server(port: int) -> SmtpServer:
    return SmtpServer(host="127.0.0.1", port=port, sender="Tukku Ääni <orders@shop.example>", encryption="none")


@pytest.fixture
def listening() -> Iterator[Callable[[Answers], SmtpServer]]:
    controllers: list[Controller] = []

    def listen(answers: Answers) -> SmtpServer:
        port = free_port()
        controller = Controller(answers, hostname="127.0.0.1", port=port)
        controller.start()
        controllers.append(controller)
        return server(port)

    yield listen
    for controller in controllers:
        controller.stop()


def test_a_message_arrives_with_its_letters(listening: Callable[[Answers], SmtpServer]) -> None:
    answers = Answers()
    sender = SmtpSender(listening(answers))
    reference = sender.send(MESSAGE)
    (envelope,) = answers.received
    mail = message_from_bytes(envelope.content, policy=policy.default)
    assert envelope.rcpt_tos == ["cafe12@shop.example"]
    assert mail["Subject"] == MESSAGE.subject
    assert mail["From"] == "Tukku Ääni <orders@shop.example>"
    assert mail.get_content().splitlines() == MESSAGE.text.splitlines()
    assert mail["Message-ID"] == reference


def test_the_same_message_handed_over_twice_can_be_recognised(listening: Callable[[Answers], SmtpServer]) -> None:
    sender = SmtpSender(listening(Answers()))
    assert sender.send(MESSAGE) == sender.send(MESSAGE)


@pytest.mark.parametrize(
    "answers",
    [Answers(to_recipient="550 No such mailbox"), Answers(to_data="554 Looks like spam")],
    ids=["recipient", "content"],
)
def test_a_no_for_good_is_refused(listening: Callable[[Answers], SmtpServer], answers: Answers) -> None:
    with pytest.raises(SendRefused, match="55"):
        SmtpSender(listening(answers)).send(MESSAGE)


@pytest.mark.parametrize(
    "answers",
    [Answers(to_recipient="450 Try later"), Answers(to_data="451 Try later")],
    ids=["recipient", "content"],
)
def test_a_no_for_now_may_be_tried_again(listening: Callable[[Answers], SmtpServer], answers: Answers) -> None:
    with pytest.raises(SendError, match="45") as refused:
        SmtpSender(listening(answers)).send(MESSAGE)
    assert not isinstance(refused.value, SendRefused)


def test_a_server_that_is_down_may_be_tried_again() -> None:
    sender = SmtpSender(server(free_port()))
    with pytest.raises(SendError, match="could not be reached"):
        sender.send(MESSAGE)
    with pytest.raises(SendError, match="could not be used"):
        sender.check()


def test_a_line_break_in_a_subject_adds_no_header(listening: Callable[[Answers], SmtpServer]) -> None:
    answers = Answers()
    sneaky = Message(
        key="k", channel=Channel.EMAIL, recipient="a@shop.example", subject="Hi\nBcc: b@shop.example", text="x"
    )
    SmtpSender(listening(answers)).send(sneaky)
    mail = message_from_bytes(answers.received[0].content, policy=policy.default)
    assert mail["Bcc"] is None
    assert mail["Subject"] == "Hi Bcc: b@shop.example"


def test_a_number_goes_to_the_gateways_domain(listening: Callable[[Answers], SmtpServer]) -> None:
    answers = Answers()
    sms = Message(key="k", channel=Channel.SMS, recipient="+358000000000", subject="", text="Out today.")
    SmtpSender(listening(answers), recipient_domain="sms.example").send(sms)
    assert answers.received[0].rcpt_tos == ["+358000000000@sms.example"]


def test_a_sender_without_an_address_is_refused_at_once() -> None:
    with pytest.raises(InvalidInput, match="no address to send from"):
        SmtpServer(host="localhost", port=25, sender="Shop")
