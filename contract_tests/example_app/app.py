"""What the PACS asks, and what is answered: Flask outside, `sectra_client.webhooks` inside."""

from typing import Any

import flask

from example_app.results import TAGS, VERSION
from example_app.work import NucleiCounter
from sectra_client import SectraError, SectraInvocationError, webhooks
from sectra_client.schemas import ApplicationInfo, InputTemplate, InputType, Registration, TaggedPolygonInputContent

VERSIONS = ApplicationInfo(apiVersion="1.10", softwareVersion=VERSION)


def create_app(asks_for: InputType = InputType.WHOLE_SLIDE, counter: NucleiCounter | None = None) -> flask.Flask:
    """The app as it is served at `/hook`; `asks_for` is what its users are to give it."""
    app, work = flask.Flask("example_app", static_folder=None), counter or NucleiCounter()

    @app.get("/hook")
    def registration() -> flask.Response:
        tags = TaggedPolygonInputContent(tags=TAGS) if asks_for is InputType.TAGGED_POLYGON else None
        template = InputTemplate(type=asks_for, content=tags)
        app_id, url = "example-nuclei", flask.request.base_url  # as the PACS reached it: its Host header
        registered = Registration(
            applicationId=app_id, displayName="Nuclei", manufacturer="ia-api-kit", url=url, inputTemplate=template
        )
        return response(webhooks.registration_answer(registered, VERSIONS))

    @app.get("/hook/info")
    def info() -> flask.Response:
        return response(webhooks.info_answer(VERSIONS))

    @app.post("/hook", defaults={"parse": webhooks.parse_invocation})
    @app.post("/hook/imagenotification", defaults={"parse": webhooks.parse_image_notification})
    def invoke(parse: Any) -> flask.Response:
        try:
            return response(work.handle(parse(flask.request.get_data())))
        except SectraInvocationError as error:  # it was no invocation
            return response(webhooks.refusal(error))
        except SectraError as error:  # the PACS refused; the text may tell of the patient: only its sort is passed on
            return flask.Response(type(error).__name__, 502, content_type="text/plain")

    return app


def response(answer: webhooks.WebhookAnswer) -> flask.Response:
    """The answer as Flask sends it."""
    return flask.Response(answer.body, answer.status, dict(answer.headers))
