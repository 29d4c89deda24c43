"""Registration and version check: what the administrator's PACS asks once."""

import json
import re
from urllib.parse import urlsplit

from ia_api_contract.app_requirements.asking import OURS, REACHED, REGISTERED, must, should
from ia_api_contract.app_target import AppTarget
from ia_api_contract.check import Check
from ia_api_contract.outcomes import Failed, Skipped, expect
from ia_api_spec import ApiVersion

UNFIT = re.compile(r"[/?#%\s]")
OTHER_HOST = "app-seen-otherwise.example:4711"
VERSION_HEADERS = ("x-sectra-apiversion", "x-sectra-softwareversion")


def answered(target: AppTarget) -> None:
    """A GET of the app's URL is answered with 200."""
    answer = target.get()
    expect(answer.status == 200, f"GET {target.url()} was answered with {answer}; expected 200 and the registration")


def members(target: AppTarget) -> None:
    """The registration is what the contract says."""
    answer = target.get()
    expect(isinstance(answer.json, dict), f"the registration came as {answer}; expected a JSON object")
    violations = target.contract.schema("Registration").violations(answer.json, "registration")
    expect(not violations, "; ".join(map(str, violations)))


def media_type(target: AppTarget) -> None:
    """The registration says that it is JSON."""
    answer = target.get()
    expect(answer.media_type == "application/json", f"its Content-Type is {answer.media_type!r}")


def fit_id(target: AppTarget) -> None:
    """The id can stand in a URL as it is."""
    found = UNFIT.search(target.application)
    expect(found is None, f"applicationId {target.application!r} has {found and found[0]!r} in it")


def names(target: AppTarget) -> None:
    """Name and manufacturer are texts that can be read."""
    registration = target.registration()
    for name in ("displayName", "manufacturer"):
        expect(bool(registration[name].strip()), f"{name} is {registration[name]!r}")


def own_url(target: AppTarget) -> None:
    """The app answers at the URL that it gives, as the same app."""
    given = target.registration()["url"]
    parts = urlsplit(given)
    fit = parts.scheme in ("http", "https") and parts.hostname and not parts.query and not parts.fragment
    expect(bool(fit), f"url is {given!r}; expected an absolute http or https URL without query and fragment")
    answer = target.get(url=given)
    document = answer.json if isinstance(answer.json, dict) else {}
    same = answer.status == 200 and document.get("applicationId") == target.application
    expect(same, f"GET {given}, the url of the registration, was answered with {answer}; expected the registration")


def follows_host(target: AppTarget) -> None:
    """Asked under another name, the app gives a URL of that name."""
    answer = target.get(headers={"Host": OTHER_HOST})
    given = answer.json.get("url") if isinstance(answer.json, dict) else None
    expect(
        answer.status == 200 and isinstance(given, str),
        f"asked with `Host: {OTHER_HOST}`, the app answered with {answer}",
    )
    expect(OTHER_HOST in str(given), f"asked with `Host: {OTHER_HOST}`, url is {given!r}")


def tags(target: AppTarget) -> None:
    """Tags are there only for a drawn polygon, each once, none of them empty."""
    template = target.registration()["inputTemplate"]
    given = (template.get("content") or {}).get("tags")
    if given is None:
        return
    expect(template["type"] == "taggedPolygon", f"tags came for the input {template['type']}; it has none")
    expect(all(tag.strip() for tag in given), f"a tag is empty: {given}")
    expect(len(set(given)) == len(given), f"a tag stands there twice: {given}")


def same_again(target: AppTarget) -> None:
    """Asked again, the app registers as the same."""
    first, second = target.get().json, target.get().json
    expect(first == second, f"first came {json.dumps(first)[:500]}, then {json.dumps(second)[:500]}")


def headers(target: AppTarget) -> None:
    """The registration carries the version headers."""
    answer = target.get()
    missing = [name for name in VERSION_HEADERS if not answer.headers.get(name)]
    expect(not missing, f"GET {target.url()} was answered without {' and '.join(missing)}")


def info(target: AppTarget) -> None:
    """The version check is answered with 200."""
    answer = target.get("info")
    expect(answer.status == 200, f"GET {target.url('info')} was answered with {answer}; expected 200")


def info_members(target: AppTarget) -> None:
    """The version check says what the contract wants."""
    answer = target.get("info")
    if answer.status in (404, 405):
        raise Skipped("the app has no /info")
    violations = target.contract.operations["getAppInfo"].answers[200].content["application/json"]
    if violations is None:
        raise Failed("the contract has no schema for /info")
    found = violations.violations(answer.json, "info")
    expect(not found, "; ".join(map(str, found)))


def info_version(target: AppTarget) -> None:
    """The app's API version is one that there is."""
    answer = target.get("info")
    told = answer.json.get("apiVersion") if isinstance(answer.json, dict) else None
    if not isinstance(told, str):
        raise Skipped("the app tells no apiVersion")
    try:
        ApiVersion(told)
    except ValueError as error:
        raise Failed(f"apiVersion is {told!r}: {error}") from None


CHECKS: tuple[Check, ...] = (
    must(
        REACHED,
        "A GET of the app's URL is answered with 200, in time.",
        "getRegistration 200",
        "Without it no administrator can register the app, and nothing else can be checked.",
        answered,
        needs=(),
        mandatory=True,
    ),
    must(
        REGISTERED,
        "The registration has every required member, each of its type.",
        "getRegistration 200",
        "The PACS knows an app by these; what is missing or of another type makes registration fail.",
        members,
        needs=(REACHED,),
        mandatory=True,
    ),
    should(
        "app.registration-media-type",
        "The registration is called application/json.",
        "getRegistration 200",
        "A PACS may look at the Content-Type before it reads.",
        media_type,
        needs=(REACHED,),
        own=OURS,
    ),
    must(
        "app.registration-id",
        "The applicationId has none of / ? # % and no blank in it.",
        "createResult",
        "It stands in URLs, where callers don't encode it.",
        fit_id,
        needs=(REGISTERED,),
        document="ia-api",
    ),
    should(
        "app.registration-names",
        "Display name and manufacturer aren't blank.",
        "getRegistration 200",
        "They are all that users see of the app in their menu.",
        names,
        needs=(REGISTERED,),
        own=OURS,
    ),
    must(
        "app.registration-url",
        "The url of the registration leads to the app itself.",
        "getRegistration 200",
        "The PACS calls the app there, not where it was registered.",
        own_url,
        needs=(REGISTERED,),
    ),
    should(
        "app.registration-host",
        "Asked with another Host header, the app gives a url of that host.",
        "getRegistration 200",
        "Only the caller knows by which name the app is reached: a name from inside a container is no use to a PACS. "
        "An app that is told its public URL may ignore this.",
        follows_host,
        needs=(REGISTERED,),
    ),
    must(
        "app.registration-tags",
        "Tags come only with a tagged polygon, each once and none empty.",
        "getRegistration 200",
        "Users choose among them, and the app is told the index.",
        tags,
        needs=(REGISTERED,),
        own=OURS,
    ),
    must(
        "app.registration-same",
        "Asked again, the app gives the same registration.",
        "getRegistration 200",
        "Administrators register anew after an update: another id would lose all results.",
        same_again,
        needs=(REGISTERED,),
        own=OURS,
    ),
    should(
        "app.registration-headers",
        "The registration carries X-Sectra-ApiVersion and X-Sectra-SoftwareVersion.",
        "getRegistration 200",
        "The PACS learns from them which version the app speaks.",
        headers,
        needs=(REACHED,),
    ),
    should(
        "app.info-answered",
        "GET /info below the app's URL is answered with 200.",
        "getAppInfo 200",
        "The PACS checks the version there; some of the vendor's own examples lack it.",
        info,
        needs=(REACHED,),
    ),
    must(
        "app.info-members",
        "/info has apiVersion and softwareVersion, both texts.",
        "getAppInfo 200",
        "What is no version can't be compared with one.",
        info_members,
        needs=(REACHED,),
    ),
    must(
        "app.info-version",
        "The apiVersion of /info is a version, such as 1.10.",
        "getAppInfo 200",
        "Versions are compared by number: a text that isn't one makes the app incompatible with everything.",
        info_version,
        needs=(REACHED,),
    ),
)
