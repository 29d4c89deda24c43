"""What holds whatever is asked of the emulator, at each of its versions: one law for each resource."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from sectra_client import (
    SectraClient,
    SectraConflictError,
    SectraForbiddenError,
    SectraInvalidRequestError,
    SectraNoLabelError,
    SectraNotFoundError,
    SectraUnauthorisedError,
    SectraVersionError,
    get_launch_data,
)
from sectra_client.filenames import UsedNames, safe_name
from sectra_client.schemas import (
    Attachment,
    AttachmentState,
    LaunchData,
    QualityControl,
    QualityControlData,
    QualityControlStatus,
    Result,
)

mock_server = pytest.importorskip("sectra_client.mock_server", reason="needs the extra [server]")
APP = "nuclei-counter"
SLIDE = "demo-he-1"
TEXT = st.text(st.characters(codec="utf-8"), max_size=12)
laws = settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="module", params=["1.8", "1.9", "1.10"])
def emulator(request: pytest.FixtureRequest) -> Iterator[Any]:
    with mock_server.MockSectraServer(api_version=request.param).run(port=0) as server:
        yield server


@pytest.fixture(scope="module")
def client(emulator: Any) -> Iterator[SectraClient]:
    with SectraClient(emulator.url, emulator.token, True) as made:
        yield made


@pytest.fixture(scope="module")
def slides(emulator: Any, client: SectraClient) -> list[Any]:
    """The metadata of all slides that have tiles."""
    known = [client.get_image_metadata(slide.id) for slide in emulator.world.hospital.slides]
    return [metadata for metadata in known if metadata.isStreamable]


@laws
@given(data=st.data())
def test_every_tile_of_the_pyramid_is_there_in_its_size_and_none_beside(
    client: SectraClient, slides: list[Any], data: st.DataObject
) -> None:
    slide = data.draw(st.sampled_from(slides))
    size, edge = (slide.imageSize.width, slide.imageSize.height), slide.tileSize.width
    top = (max(size) - 1).bit_length()
    level = data.draw(st.integers(0, top))
    width, height = (-(-length // 2 ** (top - level)) for length in size)
    columns, rows = -(-width // edge), -(-height // edge)
    x, y = data.draw(st.integers(0, columns - 1)), data.draw(st.integers(0, rows - 1))
    plane = data.draw(st.sampled_from([None, "0", *[plane.id for plane in slide.focalPlanes]]))
    path = data.draw(st.sampled_from([None, *[path.id for path in slide.opticalPaths]]))
    kind = data.draw(st.sampled_from(["jpg", "jpeg", "png"]))
    tile = client.get_tile(slide.id, level, x, y, plane, path, kind)
    assert tile.mediaType == f"image/{kind.replace('jpg', 'jpeg')}"
    assert tile.convert_to_pil().size == (min(edge, width - x * edge), min(edge, height - y * edge))
    level, x, y = data.draw(st.sampled_from([(level, columns, y), (level, x, rows), (top + 1, 0, 0)]))
    with pytest.raises(SectraNotFoundError):
        client.get_tile(slide.id, level, x, y, plane, path, kind)


def test_every_slide_has_a_label_or_says_so(emulator: Any, client: SectraClient) -> None:
    for slide in emulator.world.hospital.slides:
        try:
            assert client.get_label_image(slide.id).convert_to_pil().format == "JPEG"
        except SectraNoLabelError:
            assert slide.picture.label() is None


NAME = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=1, max_size=12)


@laws
@given(name=NAME, content=st.binary(max_size=300), start=st.integers(0, 310), length=st.none() | st.integers(1, 310))
def test_an_attachment_comes_back_as_it_was_uploaded_whole_and_in_any_part(
    client: SectraClient, name: str, content: bytes, start: int, length: int | None
) -> None:
    declared = Result(slideId=SLIDE, displayResult="x", attachments=[Attachment(name=name)])
    stored = client.create_results(APP, declared)
    assert [(a.name, a.state) for a in stored.attachments] == [(name, AttachmentState.NEW)]
    with pytest.raises(SectraNotFoundError):
        client.get_attachment(APP, stored.id, name)
    client.upload_attachment(APP, stored.id, name, content)
    assert client.list_attachments(APP, stored.id)[0].state == AttachmentState.STORED
    assert client.get_attachment(APP, stored.id, name) == content
    end = None if length is None else start + length
    if start >= len(content) and (start, end) != (0, None):
        with pytest.raises(SectraInvalidRequestError):
            client.get_attachment(APP, stored.id, name, start, end)
    else:
        assert client.get_attachment(APP, stored.id, name, start, end) == content[start:end]
    with tempfile.TemporaryDirectory() as folder:
        assert client.download_attachment(APP, stored.id, name, Path(folder) / "a").read_bytes() == content


@laws
@given(
    wanted=st.lists(st.sampled_from(QualityControlStatus), min_size=1, max_size=3),
    version=st.text("0123456789abcdef", min_size=1, max_size=256),
)
def test_the_last_verdict_with_the_right_version_stands(
    emulator: Any, client: SectraClient, wanted: list[QualityControlStatus], version: str
) -> None:
    def verdict(status: QualityControlStatus, version: str) -> QualityControl:
        data = QualityControlData(status=status, versionId=version)
        return QualityControl(applicationVersion="1.0", qualityControl=data)

    if emulator.api_version != "1.10":
        assert client.get_image_metadata(SLIDE).qualityControl is None
        before = emulator.world.journal.written
        with pytest.raises(SectraVersionError, match=f"needs IA-API 1.10, the server has {emulator.api_version}"):
            client.set_quality_control(SLIDE, verdict(wanted[0], version))
        assert emulator.world.journal.written == before
        return
    for status in wanted:
        read = client.get_image_metadata(SLIDE).qualityControl
        assert read is not None
        assume(read.versionId != version)
        client.set_quality_control(SLIDE, verdict(status, read.versionId))
        for stale in (read.versionId, version):
            with pytest.raises(SectraConflictError):
                client.set_quality_control(SLIDE, verdict(QualityControlStatus.NOT_SET, stale))
        after = client.get_image_metadata(SLIDE).qualityControl
        assert after is not None
        assert (after.status, after.versionId != read.versionId) == (status, True)


@laws
@given(user=TEXT, password=TEXT, data=st.data())
def test_only_the_right_credentials_get_a_token_and_only_for_their_application(
    emulator: Any, user: str, password: str, data: st.DataObject
) -> None:
    user, password = data.draw(st.sampled_from([(user, password), ("dev", password), (user, "dev"), ("dev", "dev")]))
    ids = [application.applicationId for application in emulator.world.hospital.applications]
    own, other = data.draw(st.permutations(ids))[:2]
    try:
        client = SectraClient.from_credentials(emulator.url, own, user, password, _allow_http=True)
    except ValueError:
        assert ":" in user
        return
    with client:
        if (user, password) != ("dev", "dev"):
            with pytest.raises(SectraUnauthorisedError):
                client.get_application(own)
            return
        assert client.get_application(own).applicationId == own
        assert client.get_all_results(SLIDE, own) is not None
        with pytest.raises(SectraForbiddenError):
            client.create_results(other, Result(slideId=SLIDE, displayResult="x"))


@laws
@given(name=TEXT)
def test_an_application_is_as_registered_or_not_found(emulator: Any, client: SectraClient, name: str) -> None:
    for application in emulator.world.hospital.applications:
        found = client.get_application(application.applicationId)
        assert (found.displayName, found.manufacturer) == (application.displayName, application.manufacturer)
        assert found.context == application.context
    try:
        with pytest.raises(SectraNotFoundError):
            client.get_application(f"{name}?")
        with pytest.raises(SectraNotFoundError):
            client.get_application(name)
    except ValueError:
        assert name in ("", ".", "..")


@laws
@given(data=st.data())
def test_a_launch_leads_to_the_slides_of_its_case_and_to_a_client(emulator: Any, data: st.DataObject) -> None:
    from fake_pacs.embedding import DEFAULT_TENANT
    from fake_pacs.launching import launch

    case = data.draw(st.sampled_from(emulator.world.hospital.cases))
    application = data.draw(st.sampled_from(emulator.world.hospital.applications)).applicationId
    made = launch(emulator.world, DEFAULT_TENANT, application, case.accession_number, case.issuer, emulator.url)

    def opened_with(number: str, session: str, application: str) -> LaunchData:
        return get_launch_data(emulator.url, number, session, application, _allow_http=True)

    session = made["sessionToken"]
    opened_with(case.accession_number, session, application)
    opened = opened_with(case.accession_number, session, application)
    listed = sorted(slide.id for block in opened.blocks for slide in block.slides)
    assert listed == sorted(slide.id for slide in emulator.world.hospital.slides if slide.case.key == case.key)
    with SectraClient(opened.callbackInfo.url, opened.callbackInfo.token, True) as client:
        assert client.get_image_metadata(listed[0]).id == listed[0]
    with pytest.raises(SectraForbiddenError):
        opened_with(f"{case.accession_number}x", session, application)
    with pytest.raises(SectraForbiddenError):
        opened_with(case.accession_number, session, f"{application}x")
    with pytest.raises(SectraUnauthorisedError):
        opened_with(case.accession_number, f"{session}x", application)


FILES = st.dictionaries(
    st.text("aB1 ä日;'%,._-=", min_size=1, max_size=10).filter(lambda name: name.strip(" .") == name),
    st.binary(max_size=200) | st.just(b"\r\n--x--\r\n"),
    min_size=1,
    max_size=3,
)


@laws
@given(files=FILES, resume=st.booleans())
def test_files_come_as_they_are_under_their_names(
    emulator: Any, client: SectraClient, files: dict[str, bytes], resume: bool
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        given, out = Path(folder) / "given", Path(folder) / "out"
        given.mkdir()
        for name, content in files.items():
            (given / name).write_bytes(content)
        emulator.add_slide_files("any-files", [given / name for name in files])
        paths = client.download_slide_files("any-files", out, resume=resume)
        names = UsedNames()
        assert [path.name for path in paths] == [names.unused(safe_name(name, "any-files")) for name in files]
        assert [path.read_bytes() for path in paths] == list(files.values())
        assert sorted(out.iterdir()) == sorted(paths)
