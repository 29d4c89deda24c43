"""What the emulator does, one function for each operation of the contract: from a call and the world to a reply."""

from collections.abc import Callable, Mapping

from fake_pacs.calls import Call, Reply
from fake_pacs.handlers import (
    applications,
    attachments,
    cases,
    control,
    files,
    launch,
    quality_control,
    results,
    slides,
    tiles,
    tokens,
    versions,
)
from fake_pacs.world import World

Handler = Callable[[Call, World], Reply]

HANDLERS: Mapping[str, Handler] = {
    "getInfo": versions.get_info,
    "getSlideInfo": slides.get_info,
    "getSlideLabel": slides.get_label,
    "getSlideFiles": files.get_files,
    "getTile": tiles.get_tile,
    "getCaseImagesBySlide": cases.get_images_by_slide,
    "getCaseImages": cases.get_images,
    "setQualityControl": quality_control.set_state,
    "getApplication": applications.get_application,
    "createResult": results.create,
    "getResult": results.get,
    "updateResult": results.update,
    "listResults": results.list_of_slide,
    "getAttachment": attachments.get,
    "putAttachment": attachments.put,
    "createToken": tokens.create,
    "getLaunchData": launch.get_data,
}

CONTROL_HANDLERS: Mapping[str, Handler] = {
    "getLive": control.get_live,
    "getReady": control.get_ready,
    "getHospital": control.get_hospital,
    "getJournal": control.get_journal,
    "resetTenant": control.reset_tenant,
    "createTenant": control.create_tenant,
    "createLaunch": launch.create,
    "getOpenApi": control.get_openapi,
    "getApiPage": control.get_api_page,
    "getApiPageAsset": control.get_api_page_asset,
}
