"""The exchanges of a page: each in full where it comes first, and as a link to there afterwards.

Requirements share what is dear to make, such as one start, so their exchanges come over and over; the PACS and the app
also send each other what they sent before. Links within the page need no script, which some CI systems don't let run.
"""

import re
import shlex
from html import escape
from urllib.parse import urlsplit

from ia_api_contract.reports.model import Told

LONG = 400
"""So many characters aren't repeated."""

WAYS = {"pacs": "PACS → app", "app": "app → PACS"}

BODY = " --data-binary "


DATA = re.compile(r'(?<="data":) ?')
"""What comes after it is the bulk of a result, and the same when ids and versions before it differ."""

CUT = re.compile(r"… \(\d+ bytes\)'?$")
"""How a body ends that was cut."""


class Telling:
    """What a page has told already: exchanges and long texts by their number, which is their order of appearance."""

    def __init__(self) -> None:
        self._exchanges: dict[tuple[str, str], int] = {}
        self._texts: dict[str, int] = {}

    def html(self, told: Told) -> str:
        """The exchange as something to open, or a link to where the same was asked and answered."""
        if told.by == "suite":
            return plainly(told)
        known = self._exchanges.get((told.curl, told.answer))
        if known is not None:
            return f'<p class="exchange"><code>{_title(told)}</code>, <a href="#x{known}">as {known}</a></p>'
        number = self._exchanges[told.curl, told.answer] = len(self._exchanges) + 1
        whole = f'<pre id="x{number}">{self._request(told.curl, number)}\n\n{self._answer(told, number)}</pre>'
        summary = f"<summary><code>{number}. {_title(told)}</code></summary>"
        return f'<details class="exchange">{summary}{whole}</details>'

    def _request(self, curl: str, number: int) -> str:
        head, before, body = curl.partition(BODY)
        return text(head + before) + self._body(body, number)

    def _answer(self, told: Told, number: int) -> str:
        """The status and the media type stand before the body."""
        words = told.answer.split(" ", 2)
        if told.status is None or len(words) < 3:
            return text(told.answer)
        return text(" ".join(words[:2])) + " " + self._body(words[2], number)

    def _body(self, body: str, number: int) -> str:
        cut = CUT.search(body)
        end = cut.start() if cut else len(body)
        data = DATA.search(body, 0, end)
        start = data.end() if data and end - data.end() >= LONG else 0
        return text(body[:start]) + self._long(body[start:end], number) + text(body[end:])

    def _long(self, part: str, number: int) -> str:
        if len(part) < LONG or part not in self._texts:
            self._texts[part] = number
            return text(part)
        first = self._texts[part]
        same = f"the same {len(part)} characters as"
        return f"({same} above)" if first == number else f'<a href="#x{first}">({same} in {first})</a>'


def text(plain: str) -> str:
    """A text as it stands between tags, where quotation marks are nothing special: JSON is full of them."""
    return escape(plain, quote=False)


def plainly(told: Told) -> str:
    """The exchange in full."""
    return f"<pre>{text(told.curl)}\n\n{text(told.answer)}</pre>"


def _title(told: Told) -> str:
    method, url = shlex.split(told.curl)[3:5]
    parts = urlsplit(url)
    request = f"{method} {parts.path}" + (f"?{parts.query}" if parts.query else "")
    return f"{WAYS[told.by]} {text(request)}: {told.status or 'no answer'}, {told.seconds:.2f} s"
