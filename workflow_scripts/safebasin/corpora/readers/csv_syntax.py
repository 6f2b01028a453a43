"""CSV by its rules (RFC 4180): what does not follow them is an error, not a guess.

Python's own parser takes a quote that is never closed for a field that goes on to the end, and a
row that is too short for one with missing values.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from safebasin.errors import DamagedInput

_QUOTED = re.compile(r'"([^"]*+(?:""[^"]*+)*+)"')
_LINE_END = re.compile(r"\r\n|\n|\r")


def csv_rows(text: str, delimiter: str, file: str, line: int) -> Iterator[tuple[str, list[str]]]:
    """Yield where a row stands, for messages, and its fields; empty lines are passed over.

    The first one is the header, and rows count from 1 below it.

    Args:
        text: a file, or what is left of it.
        delimiter: one character.
        file: names the file.
        line: the number of the text's first line.

    Raises:
        DamagedInput: a quote is not where it may stand, or there is a NUL character.
    """
    if "\0" in text:
        at = line + len(_LINE_END.findall(text[: text.index("\0")]))
        raise DamagedInput(f"{file}: line {at} holds a NUL character; is the file in UTF-16?")
    bare = re.compile(rf"[^{re.escape(delimiter)}\r\n]*")
    place = row = 0
    while place < len(text):
        where = f"{file}: {f'row {row}' if row else 'the header'} (line {line})"
        begins, fields = place, list[str]()
        while not fields or text.startswith(delimiter, place):
            place += len(delimiter) if fields else 0
            is_quoted = text.startswith('"', place)
            match = (_QUOTED if is_quoted else bare).match(text, place)
            field, place = _field(match, is_quoted, f"{where}, field {len(fields) + 1}")
            fields.append(field)
            _refuse_rest(text[place : place + 1], delimiter, f"{where}, field {len(fields)}")
        if place > begins:
            yield where, fields
            row += 1
        end = _LINE_END.match(text, place)
        place = end.end() if end else place
        line += 1 + sum(len(_LINE_END.findall(field)) for field in fields)


def _field(match: re.Match[str] | None, is_quoted: bool, where: str) -> tuple[str, int]:
    """Return the field and the place behind it."""
    if match is None:
        raise DamagedInput(f"{where} opens a quote that is never closed")
    if is_quoted:
        return match[1].replace('""', '"'), match.end()
    if match[0].lstrip(" ").startswith('"'):
        raise DamagedInput(f"{where}: a blank stands before a quote; remove it")
    return match[0], match.end()


def _refuse_rest(sign: str, delimiter: str, where: str) -> None:
    if sign and sign not in (delimiter, "\r", "\n"):
        raise DamagedInput(
            f"{where}: text follows a closing quote; a quote within a field in quotes is written "
            'twice ("")'
        )
