"""The control plane: health, what the tenant holds, what happened, tenants, and the contract to read."""

from importlib import resources
from pathlib import PurePosixPath
from typing import Any

from fake_pacs.calls import Call, Reply, json_reply
from fake_pacs.handlers.applications import on_wire
from fake_pacs.hospital import Case
from fake_pacs.metrics import MEDIA_TYPE
from fake_pacs.refusals import Refusal, Refusals
from fake_pacs.settings import DEFAULT_TENANT
from fake_pacs.world import World, contract
from ia_api_spec import ApiVersion, effective, snapshot

ASSETS = {"swagger-ui.css": "text/css", "swagger-ui-bundle.js": "text/javascript", "favicon-32x32.png": "image/png"}
"""The files of Swagger UI that the API page needs, all shipped by flask-swagger-ui."""

PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>IA-API {version} – fake-pacs</title>
<link rel="stylesheet" href="api/swagger-ui.css">
<link rel="icon" href="api/favicon-32x32.png">
<div id="api"></div>
<script src="api/swagger-ui-bundle.js"></script>
<script>
  SwaggerUIBundle({{
    dom_id: "#api",
    layout: "BaseLayout",
    validatorUrl: null,
    url: "openapi.json?version={version}",
    docExpansion: "list",
  }});
</script>
</html>
"""


def get_live(call: Call, world: World) -> Reply:
    """That the process serves requests."""
    return json_reply({"status": "live"})


def get_ready(call: Call, world: World) -> Reply:
    """That the server is seeded. Refused: NOT_READY."""
    if not world.ready.is_set():
        raise Refusal(Refusals.NOT_READY, "The server is still being seeded.", hint="Ask again in a moment.")
    return json_reply({"status": "ready"})


def get_hospital(call: Call, world: World) -> Reply:
    """The cases with their slides, and the applications, that the tenant can ask for."""
    hospital = world.hospital
    return json_reply(
        {
            "tenant": call.caller.tenant,
            "apiVersion": world.settings.api_version,
            "softwareVersion": world.settings.software,
            "cases": [_case(case, world) for case in hospital.cases],
            "applications": [on_wire(application) for application in world.applications(call.caller.tenant)],
        }
    )


def _case(case: Case, world: World) -> dict[str, Any]:
    slides = [(slide, slide.known()) for slide in world.slides_of(case)]
    return {
        "accessionNumber": case.accession_number,
        "accessionNumberIssuer": case.issuer,
        "slides": [
            {
                "id": slide.id,
                "staining": known["staining"]["displayName"],
                "block": known["block"]["displayName"],
                "files": len(slide.files),
            }
            for slide, known in slides
        ],
    }


def get_journal(call: Call, world: World) -> Reply:
    """The tenant's last exchanges; the default tenant also sees those whose caller is unknown."""
    asked, tenant = call.parameters, call.caller.tenant
    with_strangers = tenant == DEFAULT_TENANT
    exchanges = world.journal.read(
        tenant,
        with_strangers=with_strangers,
        operation_id=asked["operationId"],
        after=asked["after"],
        limit=asked["limit"],
    )
    forgotten = world.journal.forgotten(tenant, with_strangers=with_strangers)
    return json_reply({"exchanges": [exchange.as_json() for exchange in exchanges], "forgotten": forgotten})


def reset_tenant(call: Call, world: World) -> Reply:
    """Puts the tenant back to its seeded state; the default tenant's journal is also that of unknown callers."""
    tenant = call.caller.tenant
    world.store.reset_tenant(tenant)
    _forget(tenant, world)
    return json_reply({"tenant": tenant})


def _forget(tenant: str, world: World) -> None:
    """Drops what this process remembers of a tenant beside the store."""
    world.journal.forget(tenant, with_strangers=tenant == DEFAULT_TENANT)
    world.deliveries.forget(tenant)
    world.faults.clear(tenant)
    world.incidents.clear(tenant)


def create_tenant(call: Call, world: World) -> Reply:
    """A fresh tenant with a token, a user and a password of its own."""
    name = (call.body or {}).get("tenant") or f"tenant-{world.ids.version()}"
    token, password = world.ids.token(), world.ids.token()
    world.store.create_tenant(name, token, {name: password})
    answered = {"tenant": name, "token": token, "user": name, "password": password, "url": call.base_url}
    return json_reply(answered, status=201)


def remove_tenant(call: Call, world: World) -> Reply:
    """Forgets a tenant with all that is its. Refused: UNKNOWN_TENANT, DEFAULT_TENANT."""
    name = call.parameters["tenant"]
    if name == DEFAULT_TENANT:
        detail = f"The tenant {name!r} is the server's own: it can't be removed."
        raise Refusal(Refusals.DEFAULT_TENANT, detail, hint="POST /_fake_pacs/reset puts it back to its seeded state.")
    world.store.remove_tenant(name)
    _forget(name, world)
    return Reply(status=204)


def get_metrics(call: Call, world: World) -> Reply:
    """What the server has done since it started, for Prometheus."""
    text = world.metrics.text()
    return Reply(body=text, media_type=MEDIA_TYPE, length=len(text))


def get_openapi(call: Call, world: World) -> Reply:
    """The contract in a version, with this server's own address."""
    text = call.parameters["version"]
    version = effective(ApiVersion(text) if text else None, world.settings.version)
    name = call.parameters["document"]
    document = snapshot(name, version)
    base_path = contract("ia-api", version).base_path
    root = call.base_url if name == "ia-api" else call.base_url.removesuffix(base_path)
    if name != "ia-app":
        document["servers"] = [{"url": root, "description": "This server."}]
    return json_reply(document)


def get_api_page(call: Call, world: World) -> Reply:
    """A page that renders the contract; every file that it loads comes from this server."""
    page = PAGE.format(version=world.settings.api_version).encode()
    return Reply(body=page, media_type="text/html; charset=utf-8", length=len(page))


def get_api_page_asset(call: Call, world: World) -> Reply:
    """A script or style sheet of the page."""
    name = call.parameters["asset"]
    if name not in ASSETS:
        raise Refusal(Refusals.UNKNOWN_PATH, f"The page has no file {name!r}; it has {', '.join(ASSETS)}.")
    found = resources.files("flask_swagger_ui") / str(PurePosixPath("dist") / name)
    content = found.read_bytes()
    return Reply(body=content, media_type=ASSETS[name], length=len(content))
