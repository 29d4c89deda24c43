"""What is done for each invocation. Knows no web framework."""

import threading

from example_app.nuclei import find_nuclei
from example_app.results import areas, gallery, recount
from sectra_client import SectraClient, schemas, webhooks
from sectra_client.retries import RetryPolicy
from sectra_client.schemas.invocation import Invocation, InvocationBase


class NucleiCounter:
    """Counts nuclei for the PACS, and knows which invocations are running."""

    def __init__(self) -> None:
        self.stops: dict[str, threading.Event] = {}
        self.welcoming = threading.Lock()

    def connect(self, invocation: InvocationBase) -> SectraClient:
        """A client for one invocation: its own address and token. A user waits, so it gives up sooner than usual."""
        # `_allow_http` is for a fake PACS on your desk: leave it out in a hospital.
        return webhooks.client_for(invocation, _allow_http=True, timeout=(3.0, 20.0), retry=RetryPolicy(retries=1))

    def handle(self, invocation: Invocation) -> webhooks.WebhookAnswer:
        """The answer to an invocation: the stored result, or `{}` where there is none."""
        with self.connect(invocation) as client:
            match invocation:
                case schemas.CreateInvocation():
                    return webhooks.answer(client, self.create(client, invocation))
                case schemas.ModifyInvocation():
                    return webhooks.answer(client, self.modify(client, invocation))
                case schemas.NewImageFilesInvocation():
                    self.welcome(client, invocation)
                case schemas.CancelInvocation() if stop := self.stops.get(invocation.cancellationToken):
                    stop.set()
            return webhooks.answer(client)  # a deleted result needs nothing more: the PACS removes it

    def create(
        self, client: SectraClient, invocation: schemas.CreateInvocation | schemas.NewImageFilesInvocation
    ) -> schemas.ResultResponse | None:
        """Counts and stores a new result; None where the user stopped it."""
        stop = self.stops[invocation.cancellationToken] = threading.Event()
        try:
            slide = client.get_image_metadata(invocation.slideId)
            nuclei, drawn = find_nuclei(client, slide, stop.is_set), polygons_of(invocation.input)
            if stop.is_set():
                return None
            result = areas(slide, drawn, nuclei) if drawn else gallery(slide, nuclei)
            return client.create_results(invocation.applicationId, result)
        finally:
            self.stops.pop(invocation.cancellationToken, None)

    def modify(self, client: SectraClient, invocation: schemas.ModifyInvocation) -> schemas.ResultResponse:
        """Counts what the user changed, and stores it. Who wrote meanwhile isn't overwritten: theirs is counted."""
        edited = invocation.input

        def change(current: schemas.AdaptedResult) -> schemas.AdaptedResult:
            newest = edited.adapted() if current.versionId == edited.versionId else current
            recount(newest)
            return newest

        return client.modify_result(invocation.applicationId, edited.id, change)

    def welcome(self, client: SectraClient, invocation: schemas.NewImageFilesInvocation) -> None:
        """Counts a new slide once, however often the PACS tells of it; there is nothing to see on one without tiles."""
        slide_id, app_id = invocation.slideId, invocation.applicationId
        with self.welcoming:
            if invocation.imageInfo.isStreamable and not client.get_all_results(slide_id, app_id):
                self.create(client, invocation)


def polygons_of(given: schemas.CreateInput) -> list[schemas.Polygon]:
    """What the user drew; nothing for a whole slide."""
    if isinstance(given, schemas.TaggedPolygonInput):
        return [given.content.polygon]
    return given.content.polygons if isinstance(given, schemas.MultiAreaInput) else []
