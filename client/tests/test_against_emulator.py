"""Against the emulator, at its three versions."""

import hashlib
import io
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ia_api_spec import Contract
from sectra_client import (
    RetryPolicy,
    SectraClient,
    SectraConflictError,
    SectraConnectionError,
    SectraForbiddenError,
    SectraInvalidRequestError,
    SectraNoLabelError,
    SectraNotFoundError,
    SectraUnauthorisedError,
    SectraVersionError,
)
from sectra_client.geometry import Frame
from sectra_client.schemas import (
    AdaptedResult,
    AttachmentState,
    QualityControl,
    QualityControlStatus,
    Result,
    ResultResponse,
)

mock_server = pytest.importorskip("sectra_client.mock_server", reason="needs the extra [server]")
APP = "nuclei-counter"
SLIDE = "demo-he-1"


@pytest.fixture(scope="module", params=["1.8", "1.9", "1.10"])
def emulator(request: pytest.FixtureRequest) -> Iterator[Any]:
    with mock_server.MockSectraServer(api_version=request.param).run(port=0) as server:
        yield server


@pytest.fixture(scope="module")
def newest() -> Iterator[Any]:
    with mock_server.MockSectraServer().run(port=0) as server:
        yield server


@pytest.fixture
def asking(emulator: Any) -> Iterator[SectraClient]:
    with SectraClient(emulator.url, emulator.token, True) as client:
        yield client


def result(**members: Any) -> Result:
    return Result(**{"slideId": SLIDE, "displayResult": "128 nuclei", **members})


def test_versions(emulator: Any, asking: SectraClient) -> None:
    assert asking.version_info.apiVersion == emulator.api_version
    assert asking.response_headers["X-Sectra-SoftwareVersion"] == emulator.software_version


def test_slides(emulator: Any, asking: SectraClient) -> None:
    basic = asking.get_image_metadata(SLIDE)
    full = asking.get_image_metadata(SLIDE, extended=True, phi=True)
    assert (basic.accessionNumber, basic.bodyPart) == (None, None)
    assert full.accessionNumber
    assert (basic.qualityControl is not None) == (emulator.api_version == "1.10")
    with pytest.raises(SectraNotFoundError):
        asking.get_image_metadata("no-such-slide")


def test_results_are_stored_changed_and_kept(emulator: Any, asking: SectraClient) -> None:
    frame = Frame.of(asking.get_image_metadata(SLIDE))
    polygon = frame.polygon([(10, 10), (100, 10), (100, 90)])
    data = {"context": {"run": 7}, "result": {"type": "primitive", "content": {"polygons": [polygon]}}}
    stored = asking.create_results(APP, result(data=data, resultVersion=3))
    assert stored.model_extra == {"resultVersion": 3}
    assert asking.get_result_by_result_id(APP, stored.id) == stored
    assert asking.get_all_results(SLIDE, APP)[-1] == stored

    changed = stored.adapted()
    changed.displayResult = "129 nuclei"
    updated = asking.update_results(APP, stored.id, changed)
    assert (updated.displayResult, updated.model_extra) == ("129 nuclei", {"resultVersion": 3})
    with pytest.raises(SectraConflictError):
        asking.update_results(APP, stored.id, changed)
    assert emulator.get_results(APP, SLIDE)[-1] == updated
    assert isinstance(emulator.get_results(APP, SLIDE)[-1], ResultResponse)


def test_what_needs_a_later_version_is_not_sent(emulator: Any, asking: SectraClient) -> None:
    version = emulator.api_version
    if version == "1.8":
        with pytest.raises(SectraVersionError):
            asking.get_image_infos_in_case("S26-1001")
    else:
        issuer = asking.get_image_metadata(SLIDE, True, True).accessionNumberIssuer
        ids = [slide.id for slide in asking.get_image_infos_in_case("S26-1001", True, issuer)]
        assert SLIDE in ids
        assert len(asking.get_image_infos_in_case("S26-1001")) > len(ids)  # two laboratories gave the same number
        assert [slide.id for slide in asking.get_image_infos_in_case_by_slide_id(SLIDE)] == ids
    if version != "1.10":
        verdict = {"applicationVersion": "1", "qualityControl": {"status": "Rejected", "versionId": "x"}}
        with pytest.raises(SectraVersionError, match=r"needs IA-API 1\.10"):
            asking.set_quality_control(SLIDE, QualityControl.model_validate(verdict))


@pytest.fixture
def client(newest: Any) -> Iterator[SectraClient]:
    with SectraClient(newest.url, newest.token, True) as made:
        yield made


def test_quality_control(client: SectraClient) -> None:
    read = client.get_image_metadata(SLIDE).qualityControl
    assert read is not None
    read.status = QualityControlStatus.QUALITY_OK
    client.set_quality_control(SLIDE, QualityControl(applicationVersion="1.0", qualityControl=read))
    after = client.get_image_metadata(SLIDE).qualityControl
    assert after is not None
    assert after.status == QualityControlStatus.QUALITY_OK
    with pytest.raises(SectraConflictError):
        client.set_quality_control(SLIDE, QualityControl(applicationVersion="1.0", qualityControl=read))


def test_pictures(newest: Any, client: SectraClient) -> None:
    metadata = client.get_image_metadata(SLIDE)
    top = (max(metadata.imageSize.width, metadata.imageSize.height) - 1).bit_length()
    assert client.get_tile(SLIDE, 0, 0, 0).convert_to_pil().size == (1, 1)
    tile = client.get_tile(SLIDE, top, 1, 1, "0", metadata.opticalPaths[0].id, "png")
    assert (tile.mediaType, tile.convert_to_pil().size) == ("image/png", (metadata.tileSize.width,) * 2)
    found = {"label": 0, "none": 0}
    for slide in newest.world.hospital.slides:
        try:
            assert client.get_label_image(slide.id).convert_to_pil().format == "JPEG"
            found["label"] += 1
        except SectraNoLabelError:
            found["none"] += 1
    assert all(found.values())


def test_attachments(client: SectraClient, tmp_path: Path) -> None:
    stored = client.create_results(APP, result(attachments=[{"name": "heat map.png", "state": "new"}]))
    content = bytes(range(256)) * 10_000
    client.upload_attachment(APP, stored.id, "heat map.png", io.BytesIO(content))
    assert [(a.name, a.state) for a in client.list_attachments(APP, stored.id)] == [
        ("heat map.png", AttachmentState.STORED)
    ]
    assert client.get_attachment(APP, stored.id, "heat map.png") == content
    assert client.get_attachment(APP, stored.id, "heat map.png", 1000, 2000) == content[1000:2000]
    assert client.get_attachment(APP, stored.id, "heat map.png", 2_559_990) == content[-10:]
    with pytest.raises(SectraInvalidRequestError):
        client.get_attachment(APP, stored.id, "heat map.png", 9_999_999)
    assert client.download_attachment(APP, stored.id, "heat map.png", tmp_path / "h").read_bytes() == content
    with pytest.raises(SectraNotFoundError):
        client.upload_attachment(APP, stored.id, "undeclared", b"x")


def test_applications_tokens_and_refusals(newest: Any) -> None:
    with SectraClient.from_credentials(newest.url, APP, "dev", "dev", _allow_http=True) as client:
        assert client.get_application(APP).applicationId == APP
        with pytest.raises(SectraForbiddenError):
            client.create_results("dpat-ia-api-external-viewer", result())
    with SectraClient.from_credentials(newest.url, APP, "dev", "wrong", _allow_http=True) as client:
        with pytest.raises(SectraUnauthorisedError) as caught:
            client.get_application(APP)
        assert caught.value.path == "/token"
    with SectraClient(newest.url, "no-such-token", True) as client, pytest.raises(SectraUnauthorisedError):
        client.get_application(APP)


def test_a_refusal_names_the_place(newest: Any, client: SectraClient) -> None:
    with pytest.raises(SectraNotFoundError) as caught:
        client.create_results(APP, result(slideId="no-such-slide"))
    assert caught.value.problem is not None
    assert caught.value.path == f"/applications/{APP}/results"


@pytest.mark.parametrize("count", [1, 5])
def test_files_arrive_as_they_are(tmp_path: Path, count: int) -> None:
    sources = []
    for number in range(count):
        sources.append(tmp_path / f"part ä{number}.dcm")
        sources[-1].write_bytes(hashlib.sha256(b"%d" % number).digest() * 100_000)
    with mock_server.MockSectraServer(slide_files={"s": sources}).run(port=0) as server:
        client = SectraClient(server.url, server.token, True)
        paths = client.download_slide_files("s", tmp_path / "out")
        client.close()
    assert [path.name for path in paths] == [source.name for source in sources]
    assert [path.read_bytes() for path in paths] == [source.read_bytes() for source in sources]


def test_eight_threads_change_one_result(newest: Any, client: SectraClient) -> None:
    stored = client.create_results(APP, result(data={"context": {"count": 0}}, unknown=["kept"]))

    def count(read: AdaptedResult) -> None:
        assert read.data.context is not None
        read.data.context["count"] += 1

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: client.modify_result(APP, stored.id, count, attempts=100), range(16)))
    after = client.get_result_by_result_id(APP, stored.id)
    assert (after.data.context, after.model_extra) == ({"count": 16}, {"unknown": ["kept"]})


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_any_result_that_the_contract_allows_is_stored_and_comes_back(
    emulator: Any, contract: Contract, drawn_from: Any, data: st.DataObject
) -> None:
    value = data.draw(drawn_from({"$ref": "#/components/schemas/Result"}, contract))
    names = [attachment["name"] for attachment in value.get("attachments") or ()]
    sent = Result.model_validate(
        value | {"slideId": SLIDE} | ({} if len(set(names)) == len(names) else {"attachments": []})
    )
    with SectraClient(emulator.url, emulator.token, True) as client:
        stored = client.create_results(APP, sent)
        assert stored.data == sent.data
        assert stored.displayProperties == sent.displayProperties
        again = client.modify_result(APP, stored.id, lambda read: None)
    assert again.data == stored.data
    assert again.versionId != stored.versionId


def test_a_server_that_stops_is_a_connection_error_and_found_again(policy: RetryPolicy, waits: list[float]) -> None:
    server = mock_server.MockSectraServer().run(port=0)
    port = server.port
    with SectraClient(server.url, server.token, True, retry=policy) as client:
        assert client.get_image_metadata(SLIDE).id == SLIDE
        server.stop()
        with pytest.raises(SectraConnectionError):
            client.create_results(APP, result())
        with mock_server.MockSectraServer().run(port=port):
            assert client.create_results(APP, result()).id == 1
    assert len(waits) <= 6
