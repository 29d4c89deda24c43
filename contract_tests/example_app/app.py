"""What the PACS asks, and what is answered: Flask outside, `sectra_client.webhooks` inside."""

from collections.abc import Callable

import flask

from example_app.results import TAGS, VERSION
from example_app.work import NucleiCounter
from sectra_client import SectraError, SectraInvocationError, schemas, webhooks
from sectra_client.schemas.invocation import Invocation

VERSIONS = schemas.ApplicationInfo(apiVersion="1.10", softwareVersion=VERSION)
WHOLE_SLIDE = schemas.InputType.WHOLE_SLIDE


def create_app(asks_for: schemas.InputType = WHOLE_SLIDE, counter: NucleiCounter | None = None) -> flask.Flask:
    """The app as it is served at `/hook`; `asks_for` is what its users are to give it."""
    app, work = flask.Flask("example_app", static_folder=None), counter or NucleiCounter()

    @app.get("/hook")
    def registration() -> flask.Response:
        url = flask.request.base_url  # as the PACS reached it: its Host header
        return response(webhooks.registration_answer(registered(url, asks_for), VERSIONS))

    @app.get("/hook/info")
    def info() -> flask.Response:
        return response(webhooks.info_answer(VERSIONS))

    @app.post("/hook")
    def invoke() -> flask.Response:
        return response(answered(work, webhooks.parse_invocation))

    @app.post("/hook/imagenotification")
    def notify() -> flask.Response:
        return response(answered(work, webhooks.parse_image_notification))

    return app


def registered(url: str, asks_for: schemas.InputType) -> schemas.Registration:
    """How the app introduces itself; only a drawn polygon has tags."""
    tagged = asks_for is schemas.InputType.TAGGED_POLYGON
    return schemas.Registration(
        applicationId="example-nuclei",
        displayName="Nuclei (example)",
        manufacturer="ia-api-kit",
        url=url,
        inputTemplate=schemas.InputTemplate(
            type=asks_for, content=schemas.TaggedPolygonInputContent(tags=TAGS) if tagged else None
        ),
    )


def answered(work: NucleiCounter, parse: Callable[[bytes], Invocation]) -> webhooks.WebhookAnswer:
    """Reads and handles what came; 400 for what is no invocation, 502 where the PACS refuses or fails."""
    try:
        return work.handle(parse(flask.request.get_data()))
    except SectraInvocationError as error:
        return webhooks.refusal(error)
    except SectraError as error:  # its text may tell of the patient: only its sort is passed on
        return webhooks.WebhookAnswer(502, {"Content-Type": "text/plain"}, type(error).__name__.encode())


def response(answer: webhooks.WebhookAnswer) -> flask.Response:
    """The answer as Flask sends it."""
    return flask.Response(answer.body, answer.status, dict(answer.headers))
