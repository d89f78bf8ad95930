"""Whether a redirect stays with the server that was named: another may stand in the network of this machine."""

from __future__ import annotations

from urllib.parse import urlsplit


def is_same_server(before: str, after: str) -> bool:
    """Whether one address leads to the server of the other; from http to https is the same where no port is named.

    >>> is_same_server("http://maps.example/api", "https://maps.example/new")
    True
    >>> [is_same_server("https://maps.example/", to) for to in ("http://maps.example/", "https://10.0.0.1/", "file:///a")]
    [False, False, False]
    """
    try:
        one, other = urlsplit(before), urlsplit(after)
        same = (one.scheme, one.port) == (other.scheme, other.port)
        safer = (one.scheme, other.scheme) == ("http", "https") and one.port == other.port is None
    except ValueError:
        return False
    return one.hostname == other.hostname and (same or safer)
