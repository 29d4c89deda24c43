"""Requests that no honest caller sends, and that a server must refuse without falling over."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from ia_api_contract.outcomes import expect
from ia_api_contract.target import Target

HUGE = "9" * 40
DEPTH = 3000


@dataclass(frozen=True)
class Nasty:
    """One request: method, path below the base URL as it is sent, headers, body."""

    path: str
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None

    def __str__(self) -> str:
        shown = f" with {self.body[:60]!r}" if self.body else ""
        return f"{self.method} {self.path[:120]}{f' and {dict(self.headers)!s:.120}' if self.headers else ''}{shown}"


def addresses(target: Target) -> Iterator[Nasty]:
    """Odd paths, queries and headers."""
    slide, application = f"/slides/{target.slide}", f"/applications/{target.application}"
    tiles = f"/images/{target.slide}_files"
    for path in (
        *("", "/", "//info", "/.", "/../info", "/%2e%2e/info", "/slides", "/slides/", "/slides//info"),
        *("/slides/%00/info", "/slides/%ff%fe/info", "/slides/%/info", "/slides/a%2Fb/info", "/slides/%20/info"),
        *(
            f"/slides/{'x' * 3000}/info",
            "/slides/%F0%9F%94%AC/info",
            "/slides/'%20OR%201=1/files",
            "/slides/{id}/label",
        ),
        *(f"{slide}/info?scope=%ff", f"{slide}/info?includePHI=", f"{slide}/info?%", f"{slide}/info?=&&=;"),
        *(
            f"{slide}/info?scope=extended&scope=none",
            f"{slide}/info?{'a=b&' * 2000}",
            f"{slide}/info?scope=" + "x" * 3000,
        ),
        *(f"{tiles}/{level}/0_0_0.jpg" for level in (HUGE, f"-{HUGE}", "1e3", "NaN", "0x1", "%00", "1.5", "")),
        *(f"{tiles}/0/{HUGE}_0_0.jpg", f"{tiles}/0/0_{HUGE}_0.jpg", f"{tiles}/0/0_0_{HUGE}.jpg", f"{tiles}/0/_0_0.jpg"),
        *(f"{tiles}/0/0_0_{z}.jpg" for z in ("inf", "1e999", "-0", "0.0.0", "nan", "%00")),
        *(f"{tiles}/0/0_0_0", f"{tiles}/0/0_0_0.", f"{tiles}/0/0_0_0.%00", f"{tiles}/0/0_0_0.jpg?opticalPath=%00"),
        *(f"{application}/results/{number}" for number in (HUGE, "-1", "0x10", "1.0", str(2**63), "%00", "a")),
        *(f"{application}/results/slide/%00", f"{application}/results/1/attachments?name=%00", "/applications/%00"),
        *(
            "/requests/%00/images/info",
            "/requests/..%2f..%2f/images/info",
            "/launchdata?requestId=%00&sessionToken=%00",
        ),
    ):
        yield Nasty(path)
    for name, value in (
        *(("X-Sectra-ApiVersion", version) for version in ("one", "1..9", "-1", HUGE * 20, "1.9; drop")),
        *(("Authorization", scheme) for scheme in ("Bearer", "Basic", "Basic %%%", "Bearer a b", "x" * 3000)),
        *(("Content-Type", kind) for kind in ("application/json; charset=nonsense", "/", "x" * 1000)),
        *(("Accept", "nothing/at-all"), ("Range", "bytes=9-1"), ("If-None-Match", "*")),
    ):
        yield Nasty("/info", headers={name: value})


def bodies(target: Target) -> Iterator[Nasty]:
    """Odd bodies for writes, none of which is a valid result."""
    results = f"/applications/{target.application}/results"
    for raw in NO_RESULTS:
        yield Nasty(results, "POST", {"Content-Type": "application/json"}, raw)
        yield Nasty(f"{results}/1", "PUT", {"Content-Type": "application/json"}, raw)
    yield Nasty(f"{results}/{HUGE}", "PUT", {"Content-Type": "application/json"}, b"{}")
    yield Nasty("/token", "POST", {"Content-Type": "application/x-www-form-urlencoded"}, b"%ff=%zz&&&=")


NO_RESULTS = (
    b"",
    b"null",
    b"[]",
    b"1",
    b'"text"',
    b"{",
    b'{"slideId":',
    b"{} {}",
    b"\x00",
    b"\xff\xfe{}",
    b'{"slideId": "\xff"}',
    b"\xef\xbb\xbf{}",
    b'{"slideId": "\\ud800"}',
    b'{"slideId": NaN}',
    b'{"slideId": 1e999}',
    b'{"slideId": ' + HUGE.encode() * 150 + b"}",
    b'{"slideId": {}, "slideId": []}',
    b"[" * DEPTH,
    b"[" * DEPTH + b"]" * DEPTH,
    b'{"a":' * DEPTH + b"1" + b"}" * DEPTH,
    b'{"data": {"result": {"type": "primitive", "content": 5}}}',
    b'{"data": {"result": {"type": {}, "content": null}}}',
    b'{"data": {"result": {"type": "patchCollection", "content": [[[]]]}}, "attachments": {"a": 1}}',
    b'{"\\u0000": "\\u0000", "versionId": null, "attachments": [null, 1, "x", {"name": {}}]}',
)


def expect_no_500(target: Target, requests: Iterable[Nasty]) -> None:
    """Sends the requests. Raises `Failed` where one makes the server fail."""
    for nasty in requests:
        answer = target.send(nasty.method, nasty.path, headers=nasty.headers, body=nasty.body)
        expect(answer.status < 500, f"{nasty} was answered with {answer}; expected a refusal")
