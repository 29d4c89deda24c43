"""Apps that an administrator registers by their URL."""

from typing import Any

from fake_pacs.calling.addresses import UrlError
from fake_pacs.calling.registering import MAX_REGISTRATION, register
from fake_pacs.calling.telling import sent_size
from fake_pacs.calling.values import RegisteredApp
from fake_pacs.calls import Call, Reply, json_reply
from fake_pacs.hospital import thawed
from fake_pacs.refusals import Refusal, Refusals
from fake_pacs.world import World
from ia_api_spec import Violation, shown


def register_app(call: Call, world: World) -> Reply:
    """Registers the app at a URL, with what is wrong with it. Refused: INVALID_REQUEST, REGISTRATION_REFUSED."""
    try:
        registration = register(world, call.caller.tenant, call.body["url"])
    except UrlError as error:
        expected = "the URL of an app: http or https, a host, perhaps a port and a path"
        violation = Violation("body", "/url", shown(call.body["url"].rpartition("@")[2]), expected)
        hint = "Give the URL under which the app serves its registration, such as http://localhost:9000/hook."
        detail = f"No app can be registered there: {str(error).rstrip('.')}."
        raise Refusal(Refusals.INVALID_REQUEST, detail, hint, [violation]) from None
    app = on_wire(registration.accepted())
    return json_reply({"app": app, "findings": [finding.as_json() for finding in registration.findings]}, status=201)


def list_apps(call: Call, world: World) -> Reply:
    """The tenant's registered apps, by id."""
    return json_reply({"apps": [on_wire(app) for app in world.store.apps(call.caller.tenant)]})


def change_app(call: Call, world: World) -> Reply:
    """Changes what the administrator decides. Refused: UNKNOWN_APPLICATION, INVALID_REQUEST for a huge context."""
    size = sent_size(call.body.get("context"))
    if size > MAX_REGISTRATION:
        wrong = Violation("body", "/context", f"{size:,} bytes", f"at most {MAX_REGISTRATION:,}, as in a registration")
        raise Refusal(
            Refusals.INVALID_REQUEST, "The context comes with every invocation: it is too large.", None, [wrong]
        )
    app = world.store.change_app(call.caller.tenant, call.parameters["applicationId"], **call.body)
    return json_reply(on_wire(app))


def remove_app(call: Call, world: World) -> Reply:
    """Forgets a registered app. Refused: UNKNOWN_APPLICATION."""
    world.store.remove_app(call.caller.tenant, call.parameters["applicationId"])
    return Reply(status=204)


def on_wire(app: RegisteredApp) -> dict[str, Any]:
    """The app by the control plane's member names."""
    return {
        "applicationId": app.application_id,
        "url": app.url,
        "displayName": app.display_name,
        "manufacturer": app.manufacturer,
        "inputTemplate": thawed(app.input_template),
        "context": thawed(app.context),
        "enabled": app.enabled,
        "notifications": app.notifications,
    }
