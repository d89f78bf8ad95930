"""Whether an address can be that of a tile server, as a template with {z}, {x} and {y}. Pure; nobody is asked.

>>> wrong_tiles("https://tile.example.com/{z}/{x}/{y}.png")
''
>>> wrong_tiles("https://tile.example.com/map.png")
'It needs {z}, {x} and {y}, each once, where the zoom and the place go'
"""

from __future__ import annotations

import re

from routing.rules.hosts import wrong_host

LONGEST_URL = 500
LONGEST_CREDIT = 200
EXAMPLE = "https://tile.example.com/{z}/{x}/{y}.png"

# What a path and a question may be made of; nothing that ends a header, a tag or a string.
_PLAIN = re.compile(r"[A-Za-z0-9/._~%=&?+:@,!*-]*")
_PLACES = ("{z}", "{x}", "{y}")
_SHARP = "{r}"


def wrong_tiles(url: str, *, https_only: bool = False) -> str:
    """What is wrong with it, as a sentence without its point; "" when nothing is. `https_only`: where our own pages are
    HTTPS, a browser loads no picture without it.

    >>> wrong_tiles("https://{s}.tile.example.com/{z}/{x}/{y}.png")
    'Name one host instead of {s}: pages may load pictures from that one alone'
    >>> wrong_tiles("http://tile.example.com/{z}/{x}/{y}.png", https_only=True)
    'It must begin with https://, as these pages do: a browser loads nothing less secure'
    """
    if not url or len(url) > LONGEST_URL:
        return f"It is an address of 1 to {LONGEST_URL} letters"
    if "{s}" in url:
        return "Name one host instead of {s}: pages may load pictures from that one alone"
    scheme, _, rest = url.partition("://")
    if scheme not in ("http", "https") or not rest:
        return "It begins with https:// or http://"
    if https_only and scheme != "https":
        return "It must begin with https://, as these pages do: a browser loads nothing less secure"
    host, slash, path = rest.partition("/")
    if why := wrong_host(host):
        return f'"{host[:80]}" is no host: {why}'
    if not slash or any(path.count(place) != 1 for place in _PLACES):
        return "It needs {z}, {x} and {y}, each once, where the zoom and the place go"
    for place in (*_PLACES, _SHARP):
        path = path.replace(place, "")
    if not _PLAIN.fullmatch(path):
        return "It has letters that no address has, or braces other than {z}, {x}, {y} and {r}"
    return ""


def wrong_credit(text: str) -> str:
    """What is wrong with the words that say whose map it is; "" when nothing is.

    >>> wrong_credit("© OpenStreetMap contributors"), wrong_credit(" ")
    ('', 'Say whose map it is: every map must, like "© OpenStreetMap contributors"')
    """
    if not text.strip():
        return 'Say whose map it is: every map must, like "© OpenStreetMap contributors"'
    if len(text) > LONGEST_CREDIT or not text.isprintable():
        return f"It is one line of at most {LONGEST_CREDIT} letters"
    return ""


def origin_of(url: str) -> str:
    """The one host that pages may load pictures from.

    >>> origin_of("https://tile.example.com:8443/{z}/{x}/{y}.png?key=1")
    'https://tile.example.com:8443'
    """
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{rest.partition('/')[0]}"
