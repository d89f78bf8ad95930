"""The one rule by which a text in a CSV is kept from running as a formula, and read back as it was.

A cell that begins with = + - @, a tab, a carriage return or an apostrophe gets an apostrophe in front. A program that
reads the file takes one leading apostrophe off where one of these follows; our own import does. In an XLSX nothing is
put in front: there such a cell is of type text.

>>> [written(text) for text in ("+358 9 123", "=1+1", "'00100", "Café 12", "")]
["'+358 9 123", "'=1+1", "''00100", 'Café 12', '']
>>> [read_back(text) for text in ("'+358 9 123", "''00100", "'t Hoekje", "+358")]
['+358 9 123', "'00100", "'t Hoekje", '+358']
"""

from __future__ import annotations

BEGINNINGS = ("=", "+", "-", "@", "\t", "\r", "'")
"""The apostrophe too, so that taking one off always gives the text back."""


def written(text: str) -> str:
    return f"'{text}" if text.startswith(BEGINNINGS) else text


def read_back(text: str) -> str:
    return text[1:] if text[:1] == "'" and text[1:].startswith(BEGINNINGS) else text
