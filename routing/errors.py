"""What can go wrong, as one tree. The sentence of an error says what, which and the mend; pages show it as it is.

BackrouteError            code, fields: a program can read it too
├── InvalidInput          the caller gave something we cannot use; nothing was changed
│   ├── FileRefused       a whole file is unusable (encoding, columns, no map); nothing was changed
│   └── InvalidProblem    a routing problem contradicts itself
├── NotFound              no such order, plan, region ...
├── Conflict              the day moved on since it was read; read again and decide again
├── NotAllowed            the person or link may not do this
├── RegionError           a region cannot be built or read; the one in use stays
├── TravelError           a travel table could not be made
├── SolverError           the solver crashed, ran out of its hard limit or answered nonsense
│   └── Cancelled         a person stopped it
└── SendError             a message was not handed over
    └── SendRefused       ... and trying again will not help
"""

from __future__ import annotations


class BackrouteError(Exception):
    """Root of the tree. `code` is a stable word for programs, `fields` the values named in the sentence."""

    code = "error"

    def __init__(self, message: str, *, code: str | None = None, **fields: object) -> None:
        super().__init__(message)
        self.message = message
        if code is not None:
            self.code = code
        self.fields = fields

    def __str__(self) -> str:
        return self.message


class InvalidInput(BackrouteError):
    code = "invalid_input"


class FileRefused(InvalidInput):
    code = "file_refused"


class InvalidProblem(InvalidInput):
    code = "invalid_problem"


class NotFound(BackrouteError):
    code = "not_found"


class Conflict(BackrouteError):
    code = "conflict"


class NotAllowed(BackrouteError):
    code = "not_allowed"


class RegionError(BackrouteError):
    code = "region"


class TravelError(BackrouteError):
    code = "travel"


class SolverError(BackrouteError):
    code = "solver"


class Cancelled(SolverError):
    code = "cancelled"


class SendError(BackrouteError):
    code = "send"


class SendRefused(SendError):
    code = "send_refused"
