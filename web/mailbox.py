"""The demo's own mailbox: an SMTP server on this machine that keeps every message as a .eml file and sends none on."""

from __future__ import annotations

import secrets
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller

from routing.errors import SendError


class _Keeper:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._kept = sum(1 for _ in folder.glob("*.eml"))

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
        self._kept += 1
        name = f"{self._kept:06d}-{secrets.token_hex(3)}.eml"
        aside = self._folder / f".{name}"
        aside.write_bytes(envelope.content)
        aside.rename(self._folder / name)
        return "250 Kept in the demo's mailbox"


class Mailbox:
    """Listens on the loopback while it is started. `port` 0 lets the machine choose; then `port` says which."""

    def __init__(self, folder: Path, *, port: int = 0) -> None:
        self.folder = folder
        self.port = port
        self._controller: Controller | None = None

    def start(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        port = self.port or _free_port()
        controller = Controller(_Keeper(self.folder), hostname="127.0.0.1", port=port)
        try:
            controller.start()
        except OSError as problem:
            raise SendError(f"The demo's mailbox cannot listen on port {port}: {problem.strerror}.") from problem
        self.port, self._controller = port, controller

    def stop(self) -> None:
        if self._controller is not None:
            self._controller.stop()
            self._controller = None

    def messages(self) -> list[EmailMessage]:
        """Everything received so far, oldest first."""
        return [
            message_from_bytes(path.read_bytes(), policy=policy.default) for path in sorted(self.folder.glob("*.eml"))
        ]

    def __enter__(self) -> Mailbox:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def _free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
