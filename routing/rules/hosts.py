"""Whether a text can name a machine on the network, as HOST or HOST:PORT. Pure; nobody is asked.

>>> wrong_host("geo.example.com"), wrong_host("127.0.0.1:4000"), wrong_host("localhost")
('', '', '')
>>> wrong_host("geo example.com")
'it has a space'
>>> wrong_host("999.1.2.3")
'no machine has these four numbers'
"""

from __future__ import annotations

import ipaddress
import re

_LABEL = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")
_LONGEST = 253


def wrong_host(text: str) -> str:
    """What is wrong with it as a host with or without a port, "" when nothing is.

    >>> [wrong_host(each) for each in ("https://geo.example.com", "geo.example.com/api", "geo..com", "x:70000", "")]
    ['it is a whole address', 'it has a path', 'a name is parts with a dot between them', \
'its port is not one of 1 to 65535', 'it is empty']
    """
    host, colon, port = text.partition(":")
    if not text:
        return "it is empty"
    if "://" in text:
        return "it is a whole address"
    if any(letter.isspace() for letter in text):
        return "it has a space"
    if any(letter in text for letter in "/?#\\"):
        return "it has a path"
    if "@" in text:
        return "it has a name or password in it"
    if colon and not (port.isascii() and port.isdecimal() and len(port) <= 5 and 1 <= int(port) <= 65535):
        return "its port is not one of 1 to 65535"
    if not host.isascii():
        return "it has letters that are none of a to z; write the name as xn--..."
    labels = host.split(".")
    if len(host) > _LONGEST or not all(_LABEL.fullmatch(label) for label in labels):
        return "a name is parts with a dot between them"
    if labels[-1].isdecimal():
        try:
            ipaddress.IPv4Address(host)
        except ValueError:
            return "no machine has these four numbers"
    return ""
