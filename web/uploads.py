"""Files that were sent to be imported: kept between looking at one and importing it, a day at most."""

from __future__ import annotations

import hashlib
import re
import secrets
import time
from pathlib import Path

from routing.errors import NotFound

KEPT_S = 24 * 3600.0


class Uploads:
    """A folder of files by their SHA-256, beside the database; what is older than a day goes with the next one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def keep(self, content: bytes) -> str:
        self.folder.mkdir(parents=True, exist_ok=True)
        for old in self.folder.iterdir():
            if old.stat().st_mtime < time.time() - KEPT_S:
                old.unlink(missing_ok=True)
        sha256 = hashlib.sha256(content).hexdigest()
        path = self.folder / sha256
        if path.exists():
            path.touch()
        else:
            # Whole or not at all: the same file may be read by a job while another tab sends it again.
            aside = path.with_name(f"{sha256}.{secrets.token_hex(4)}")
            aside.write_bytes(content)
            aside.replace(path)
        return sha256

    def path(self, sha256: str) -> Path:
        """Raises NotFound."""
        path = self.folder / sha256
        if not re.fullmatch("[0-9a-f]{64}", sha256) or not path.is_file():
            raise NotFound("That file is not here any more. Choose it again.", code="upload")
        return path

    def path_ending(self, sha256: str, ending: str) -> Path:
        """The same file under a name that ends so, for what reads a file by its name's ending. Raises NotFound."""
        path = self.path(sha256)
        named = path.with_name(f"{sha256}{ending}")
        if not named.exists():
            named.hardlink_to(path)
        return named

    def drop(self, sha256: str) -> None:
        if re.fullmatch("[0-9a-f]{64}", sha256):
            (self.folder / sha256).unlink(missing_ok=True)
