"""Files by their content: the name of a file is the SHA-256 of its bytes."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from routing.errors import InvalidInput, NotFound

_SHA256 = re.compile(r"[0-9a-f]{64}")


class FileStore(Protocol):
    """Where the bytes of photos, signatures and slips lie. The `file` table says what they are."""

    def write(self, content: bytes) -> str:
        """Keeps the bytes and returns their SHA-256 in hex; the same bytes twice are kept once."""
        ...

    def read(self, sha256: str) -> bytes:
        """Raises NotFound when it was never kept or was erased, InvalidInput when the bytes changed on the disk."""
        ...

    def erase(self, sha256: str) -> None:
        """Removes the bytes for good; nothing happens when they are gone already."""
        ...

    def __contains__(self, sha256: object) -> bool:
        """Whether its bytes are there."""
        ...

    def __iter__(self) -> Iterator[str]:
        """The SHA-256 of every file kept, sorted."""
        ...


class FolderFiles:
    """A FileStore in a folder, spread over subfolders by the first two digits."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(self, content: bytes) -> str:
        sha256 = hashlib.sha256(content).hexdigest()
        path = self._path(sha256)
        if path.exists():
            return sha256
        path.parent.mkdir(parents=True, exist_ok=True)
        # Written aside and moved into place: a reader sees the whole file or none.
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".", delete=False) as aside:
            aside.write(content)
            aside.flush()
            os.fsync(aside.fileno())
        Path(aside.name).replace(path)
        return sha256

    def read(self, sha256: str) -> bytes:
        try:
            content = self._path(sha256).read_bytes()
        except FileNotFoundError:
            raise NotFound(
                f"File {sha256[:12]} is not there: it was erased or never stored.", code="file_missing", sha256=sha256
            ) from None
        if hashlib.sha256(content).hexdigest() != sha256:
            raise InvalidInput(
                f"File {sha256[:12]} was changed on the disk after it was stored. Restore it from a backup.",
                code="file_changed",
                sha256=sha256,
            )
        return content

    def erase(self, sha256: str) -> None:
        self._path(sha256).unlink(missing_ok=True)

    def __contains__(self, sha256: object) -> bool:
        return isinstance(sha256, str) and self._path(sha256).exists()

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(path.name for path in self.folder.glob("*/*") if _SHA256.fullmatch(path.name)))

    def _path(self, sha256: str) -> Path:
        if not _SHA256.fullmatch(sha256):
            raise InvalidInput(f"{sha256!r} is no SHA-256: 64 digits of 0-9 and a-f.")
        return self.folder / sha256[:2] / sha256
