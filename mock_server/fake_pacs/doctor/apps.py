"""Between the PACS and an app, both ways: over the control plane, in a tenant of the doctor's own."""

from collections.abc import Iterator
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

from fake_pacs.calling.addresses import UrlError, check_app_url
from fake_pacs.calling.values import AppAnswer
from fake_pacs.control_client import ControlClient, ControlError
from fake_pacs.doctor.findings import Finding, ok, problem, warning
from fake_pacs.doctor.pacs import DEADLINE, Pacs
from fake_pacs.settings import is_loopback

ANSWER_SECONDS = 20.0
"""So long the app may take for an invocation."""

SQUARE = {"points": [{"x": x, "y": y} for x, y in ((0.4, 0.2), (0.6, 0.2), (0.6, 0.4), (0.4, 0.4))]}


def app_findings(pacs: Pacs, app_url: str, *, start: bool = True) -> Iterator[Finding]:
    """Whether the PACS reaches the app and the app the PACS; what the app stores meanwhile is forgotten.

    The app is registered in a fresh tenant and, with `start`, started on a slide there.
    """
    here = _from_here(pacs, app_url)
    yield here
    tenant: dict[str, str] = {}
    try:
        tenant = pacs.control().call("POST", "tenants", {})
        client = pacs.control(tenant["token"])
        registered = client.call("POST", "apps", {"url": app_url})
    except ControlError as error:
        yield _unreached(app_url, error, here)
        if tenant:
            _tidy_up(pacs, tenant)
        return
    app = registered["app"]
    yield ok("app.from-pacs", f"the PACS reaches {app_url} and registers {app['applicationId']}")
    yield from (_of_app("app.registration", finding) for finding in registered["findings"])
    try:
        if start:
            yield from _started(client, app)
    finally:
        _tidy_up(pacs, tenant)


def _tidy_up(pacs: Pacs, tenant: dict[str, str]) -> None:
    with suppress(ControlError):  # what was found has been told; a tenant of the doctor's own does no harm
        pacs.control().call("DELETE", f"tenants/{tenant['tenant']}")


def _from_here(pacs: Pacs, app_url: str) -> Finding:
    try:
        check_app_url(app_url)
    except UrlError as error:
        return problem("app.from-here", str(error), "Give the URL under which the app serves its registration.")
    try:
        answer: AppAnswer = pacs.outbound(allow_link_local=False).get(app_url, DEADLINE)
    except UrlError as error:
        return warning("app.from-here", str(error), "Nothing to do, if the PACS was started so.")
    if answer.trouble or answer.status is None:
        text = f"this machine gets no answer from {app_url} ({answer.trouble})"
        return warning("app.from-here", text, "Nothing to do, if only the PACS needs to reach it; else start the app.")
    if answer.status != 200:
        text = f"{app_url} answers this machine with {answer.status}, expected 200 with its registration"
        return warning("app.from-here", text, "Give the URL under which the app serves its registration.")
    return ok("app.from-here", f"{app_url} answers this machine")


def _unreached(app_url: str, error: ControlError, here: Finding) -> Finding:
    told = str((error.problem or {}).get("detail", error))
    text = f"the PACS refuses the app: {' '.join(told.split())[:600]}"
    advice = "Mend what is named; fake-pacs apps add URL tells all of it."
    host = urlsplit(app_url).hostname or ""
    if here.level == "ok" and is_loopback(host):
        advice += f" From another machine or container {host} is that machine itself: name the app's own host."
    elif here.level == "ok":
        advice += " This machine reaches the app: look at name servers and firewalls between the PACS and it."
    return problem("app.from-pacs", text, advice)


def _of_app(code: str, finding: dict[str, Any]) -> Finding:
    """What the PACS found, in the doctor's words."""
    place = f"{finding['place']}: " if finding["place"] else ""
    text = f"{finding['code']}: {place}{finding['text']}"
    how = problem if finding["level"] == "must" else warning
    return how(code, text, "Mend the app; `ia-api-contract app URL` looks at all of it.")


def _started(client: ControlClient, app: dict[str, Any]) -> Iterator[Finding]:
    slide = next((slide["id"] for case in client.call("GET", "hospital")["cases"] for slide in case["slides"]), None)
    if slide is None:
        yield warning("app.invocation", "the PACS has no slide to start it on", "Serve slides: --slides FOLDER.")
        return
    asked = {"action": "start", "applicationId": app["applicationId"], "slideId": slide, **_drawn(app)}
    try:
        answered = client.call("POST", "actions", {**asked, "deadlineSeconds": ANSWER_SECONDS}, timeout=60.0)
    except ControlError as error:
        yield problem("app.invocation", f"it can't be started: {' '.join(str(error).split())[:400]}", "Mend the app.")
        return
    delivery = answered["deliveries"][-1]
    yield from _answer(delivery)
    yield _callback(client, app, delivery)


def _drawn(app: dict[str, Any]) -> dict[str, Any]:
    """What a user would draw for an app with that input template."""
    template = app["inputTemplate"]
    if template["type"] == "multiArea":
        return {"areas": [SQUARE]}
    if template["type"] != "taggedPolygon":
        return {}
    tags = (template.get("content") or {}).get("tags")
    return {"polygon": SQUARE, **({"tagIndex": 0} if tags else {})}


def _answer(delivery: dict[str, Any]) -> Iterator[Finding]:
    answer = delivery["answer"] or {}
    if answer.get("status") is None:
        trouble = answer.get("trouble") or "no answer"
        yield problem("app.invocation", f"its answer to an invocation is missing: {trouble}", "Look at the app's log.")
        return
    if delivery["ok"]:
        yield ok("app.invocation", f"it answers an invocation with {answer['status']} in {answer['seconds']:.1f} s")
    yield from (_of_app("app.invocation", finding) for finding in delivery["findings"])


def _callback(client: ControlClient, app: dict[str, Any], delivery: dict[str, Any]) -> Finding:
    url = str(((delivery["invocation"] or {}).get("callbackInfo") or {}).get("url"))
    calls = [call for call in client.call("GET", "journal")["exchanges"] if not call["path"].startswith("/_fake_pacs")]
    if calls:
        return ok("app.callback", f"it called back at {url}: {len(calls)} calls, the last with {calls[-1]['status']}")
    host, app_host = urlsplit(url).hostname or "", urlsplit(app["url"]).hostname or ""
    advice = (
        "Start the server with --public-url URL, as the app reaches it (and --host 0.0.0.0 with tokens of your own)."
    )
    if is_loopback(host) and not is_loopback(app_host):
        text = f"its callback URL {url} means the app's own machine, {app_host}: it can't call back"
        return problem("app.callback", text, advice)
    if not delivery["ok"]:
        text = f"it was given {url} and didn't call back; its answer to the invocation was wrong, too"
        return problem("app.callback", text, f"Look at the app's log. {advice}")
    text = f"it was given {url} and didn't call back while it was asked"
    return warning("app.callback", text, f"Nothing to do, if it answers first and works later; else: {advice}")
