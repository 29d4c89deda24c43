"""The client: one method per operation, each of which says what it needs and hands the rest on."""

import os
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, TypeVar

from sectra_client.addresses import base_url
from sectra_client.caller import Caller, outcome
from sectra_client.progress import OnFile, Progress
from sectra_client.retries import RetryPolicy
from sectra_client.schemas.applications import Application
from sectra_client.schemas.image import CaseImageInfo, ImageMetadata, LabelImage, Tile
from sectra_client.schemas.info import ApplicationInfo
from sectra_client.schemas.launch import LaunchData
from sectra_client.schemas.quality_control import QualityControl
from sectra_client.schemas.results import AdaptedResult, Attachment, Result, ResultResponse
from sectra_client.tokens import ClientCredentials, Credentials, FixedToken
from sectra_client.transport import Timeout, Transport
from sectra_client.utils.errors import SectraConflictError, SectraUnreadableAnswerError
from sectra_client.wire import applications, attachments, cases, files, launch, slides, tiles
from sectra_client.wire import quality_control as wire_quality_control
from sectra_client.wire import results as wire_results
from sectra_client.wire import tokens as wire_tokens
from sectra_client.wire.info import version_headers
from sectra_client.wire.messages import Call
from sectra_client.wire.uploads import upload_of

T = TypeVar("T")
Verify = bool | str | os.PathLike[str]
TIMEOUT: Timeout = (10.0, 60.0)
"""Seconds to connect, and seconds between two reads."""

Change = Callable[[AdaptedResult], AdaptedResult | None]
"""Changes a result in place, or returns the changed one."""


class SectraClient:
    """A connection to one PACS, with one source of tokens. Safe in threads; a context manager.

    `url` is the base URL; without a scheme, or with `http:` where `_allow_http` isn't set, it is spoken to as `https:`.
    `timeout` is in seconds (to connect and between two reads, or a pair of both); `verify` is whether to check the
    server's certificate, or the path of a CA file. Nothing is sent before the first call. Raises `ValueError` for a
    URL, token or time-out that can't be used. Every method raises `SectraRequestError` where the server answers outside
    2xx, `SectraConnectionError` where it doesn't answer, and `SectraUnreadableAnswerError` where its answer makes no
    sense.
    """

    def __init__(
        self,
        url: str,
        token: str,
        _allow_http: bool = False,
        *,
        timeout: Timeout = TIMEOUT,
        verify: Verify = True,
        retry: RetryPolicy | None = None,
    ) -> None:
        transport = _transport(url, _allow_http, timeout, verify, retry)
        self._begin(transport, FixedToken(token))

    @classmethod
    def from_credentials(
        cls,
        url: str,
        app_id: str,
        username: str,
        password: str,
        *,
        _allow_http: bool = False,
        timeout: Timeout = TIMEOUT,
        verify: Verify = True,
        retry: RetryPolicy | None = None,
    ) -> "SectraClient":
        """A client that fetches its token with user and password, and renews it before it expires and once on 401 and
        403.
        """
        transport = _transport(url, _allow_http, timeout, verify, retry)
        call = wire_tokens.create_token(app_id, username, password)
        made = cls.__new__(cls)
        made._begin(transport, ClientCredentials(lambda: _unauthorised(transport, call)))
        return made

    def _begin(self, transport: Transport, credentials: Credentials) -> None:
        self._base = transport.base
        self._caller = Caller(transport, credentials)
        self._retry = transport.retry

    def __enter__(self) -> "SectraClient":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._base}>"

    def close(self) -> None:
        """Closes the connections; the client may still be used, and opens new ones then."""
        self._caller.close()

    @property
    def version_info(self) -> ApplicationInfo:
        """API and software version of the server, asked for at first use and once per client."""
        return self._caller.info

    @property
    def response_headers(self) -> dict[str, str]:
        """The two version headers with the server's values: forward them in the answer to a webhook.

        Raises `SectraUnreadableAnswerError` where the server's values have characters that no header may have.
        """
        try:
            return version_headers(self.version_info)
        except ValueError as error:
            raise SectraUnreadableAnswerError(f"the answer to /info can't be forwarded: {error}") from None

    def get_image_metadata(self, slide_id: str, extended: bool = False, phi: bool = False) -> ImageMetadata:
        """What the PACS knows of a slide; `extended` and `phi` (protected health information) ask for more."""
        return self._caller.perform(slides.get_metadata(slide_id, extended, phi))

    def get_image_infos_in_case(
        self, accession_number: str, phi: bool = False, accession_number_issuer_id: str | None = None
    ) -> list[CaseImageInfo]:
        """The slides of a case. Needs IA-API 1.9: raises `SectraVersionError` before anything is sent to an older
        server.
        """
        return self._caller.perform(cases.get_by_accession(accession_number, phi, accession_number_issuer_id))

    def get_image_infos_in_case_by_slide_id(
        self, slide_id: str, phi: bool = False, accession_number_issuer_id: str | None = None
    ) -> list[CaseImageInfo]:
        """The slides of the case that a slide belongs to. Needs IA-API 1.9, as `get_image_infos_in_case` does."""
        return self._caller.perform(cases.get_by_slide(slide_id, phi, accession_number_issuer_id))

    def get_label_image(self, slide_id: str) -> LabelImage:
        """The label of a slide. Raises `SectraNoLabelError` where it has none."""
        return self._caller.perform(slides.get_label(slide_id))

    def get_tile(
        self,
        slide_id: str,
        level: int,
        x: int,
        y: int,
        focal_plane: str | None = None,
        optical_path: str | None = None,
        format: str = "jpg",  # noqa: A002 - the word of the API's own `availableTileFormats`
    ) -> Tile:
        """A Deep Zoom tile: level 0 is one pixel, the top level is ceil(log2(max(width, height))); column and row
        count from 0.
        """
        return self._caller.perform(tiles.get_tile(slide_id, level, x, y, focal_plane, optical_path, format))

    def download_slide_files(
        self,
        slide_id: str,
        output_dir: Path | str,
        *,
        progress: Progress | None = None,
        resume: bool = False,
        on_file: OnFile | None = None,
    ) -> list[Path]:
        """Writes the slide's files into `output_dir`, which is made where it's missing; returns their paths.

        Memory stays constant. The files get their names only when all of them are complete, replacing older ones of
        these names; a second file of the same name becomes `name (2).ext`. An answer that breaks off is asked for
        again; raises `SectraTruncatedDownloadError` after the last try.

        With `resume` each file gets its name as soon as it is complete, and stays whatever becomes of the others; a
        file that is there already is compared with what comes, and not written again. `on_file` is called with each
        file that has its name.
        """
        from sectra_client.downloads import never_less, save_files
        from sectra_client.filenames import safe_name
        from sectra_client.folder import Folder

        report, fallback = never_less(progress), safe_name(slide_id, "slide")
        with Folder(Path(output_dir), keep=resume, on_file=on_file) as folder:
            return self._caller.saved(
                files.get_files(slide_id), lambda stream: save_files(stream, folder, fallback, report)
            )

    def get_application(self, app_id: str) -> Application:
        """A registered application."""
        return self._caller.perform(applications.get_application(app_id))

    def create_results(self, app_id: str, results: Result) -> ResultResponse:
        """Stores a new result. It's sent once: `SectraUncertainWriteError` says that it may have been stored."""
        return self._caller.perform(wire_results.create_result(app_id, results))

    def get_result_by_result_id(self, app_id: str, result_id: int) -> ResultResponse:
        """A stored result."""
        return self._caller.perform(wire_results.get_result(app_id, result_id))

    def get_all_results(self, wsi_id: str, app_id: str) -> list[ResultResponse]:
        """The results of an application on a slide, oldest first."""
        return self._caller.perform(wire_results.list_results(wsi_id, app_id))

    def update_results(self, app_id: str, result_id: int, result: AdaptedResult | ResultResponse) -> ResultResponse:
        """Replaces a stored result. Raises `SectraConflictError` where its `versionId` isn't the current one (see
        `modify_result`).
        """
        return self._caller.perform(wire_results.update_result(app_id, result_id, result))

    def modify_result(self, app_id: str, result_id: int, change: Change, *, attempts: int = 10) -> ResultResponse:
        """Reads a result, changes it and writes it; on a conflict all of it again, at most `attempts` times.

        `change` gets the result with all its members, known to this client or not, and changes it in place or returns
        another; it may be called several times. Raises the last `SectraConflictError` where others were always faster.
        """
        if attempts < 1:
            raise ValueError(f"attempts is {attempts}: expected at least 1")
        for attempt in range(attempts):
            read = self.get_result_by_result_id(app_id, result_id).adapted()
            version = read.versionId
            changed = change(read) or read
            changed.versionId = version
            try:
                return self.update_results(app_id, result_id, changed)
            except SectraConflictError:
                if attempt == attempts - 1:
                    raise
                self._retry.sleep(self._retry.wait(0) * 0.1)
        raise AssertionError("the last attempt returns or raises")

    def set_quality_control(self, slide_id: str, quality_control: QualityControl) -> None:
        """Sets the verdict on a slide. Needs IA-API 1.10: raises `SectraVersionError` before anything is sent to an
        older server.
        """
        self._caller.perform(wire_quality_control.set_quality_control(slide_id, quality_control))

    def list_attachments(self, app_id: str, result_id: int) -> list[Attachment]:
        """The attachments that a stored result declares, with their states."""
        return self.get_result_by_result_id(app_id, result_id).attachments

    def get_attachment(self, app_id: str, result_id: int, name: str, start: int = 0, end: int | None = None) -> bytes:
        """The bytes of an attachment, or those from `start` up to, not including, `end`; in memory."""
        return self._caller.perform(attachments.get_range(app_id, result_id, name, start, end))

    def download_attachment(
        self, app_id: str, result_id: int, name: str, target: Path | str, *, progress: Progress | None = None
    ) -> Path:
        """Writes an attachment to the file `target`, with constant memory; the file appears only when it's complete.

        An answer that breaks off is asked for again; raises `SectraTruncatedDownloadError` after the last try.
        """
        from sectra_client.downloads import never_less, save_as
        from sectra_client.folder import Folder

        report, path = never_less(progress), Path(target)
        with Folder(path.parent) as folder:
            return self._caller.saved(
                attachments.download(app_id, result_id, name),
                lambda stream: save_as(stream, folder, path.name, report),
            )

    def upload_attachment(
        self,
        app_id: str,
        result_id: int,
        name: str,
        content: bytes | os.PathLike[str] | BinaryIO,
        *,
        progress: Progress | None = None,
    ) -> None:
        """Uploads a declared attachment: bytes, a file's path, or a seekable binary file; the last two with constant
        memory.
        """
        self._caller.perform(attachments.put(app_id, result_id, name, upload_of(content, progress)))

    @staticmethod
    def get_launch_data(
        url: str,
        request_id: str,
        session_token: str,
        app_id: str,
        *,
        _allow_http: bool = False,
        timeout: Timeout = TIMEOUT,
        verify: Verify = True,
        retry: RetryPolicy | None = None,
    ) -> LaunchData:
        """What a browser-launched app was started on; the session token is the credential, no bearer token is needed.

        `request_id` is the case's accession number. `callbackInfo` in the answer is what a `SectraClient` is made of.
        The session token is in the URL's query, as the API has it: urllib3's log shows it at level DEBUG, so keep the
        logger `urllib3.connectionpool` at INFO or above.
        """
        transport = _transport(url, _allow_http, timeout, verify, retry)
        try:
            return _unauthorised(transport, launch.get_launch_data(request_id, session_token, app_id))
        finally:
            transport.close()


def _transport(url: str, allow_http: bool, timeout: Timeout, verify: Verify, retry: RetryPolicy | None) -> Transport:
    return Transport(base_url(url, allow_http), timeout=timeout, verify=verify, retry=retry or RetryPolicy())


def _unauthorised(transport: Transport, call: Call[T]) -> T:
    """Performs a call that carries its own credential."""
    return outcome(call, transport.send(call.request, None), call.request.secrets)
