"""What the emulator does, one function for each operation of the contract: from a call and the world to a reply."""

from collections.abc import Callable, Mapping

from fake_pacs.calls import Call, Reply
from fake_pacs.handlers import (
    actions,
    applications,
    apps,
    attachments,
    cases,
    control,
    faults,
    files,
    launch,
    quality_control,
    results,
    slides,
    snapshots,
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
    "removeTenant": control.remove_tenant,
    "createLaunch": launch.create,
    "listFaults": faults.list_faults,
    "addFault": faults.add_fault,
    "clearFaults": faults.clear_faults,
    "removeFault": faults.remove_fault,
    "getClock": faults.get_clock,
    "moveClock": faults.move_clock,
    "listIncidents": faults.list_incidents,
    "beginIncident": faults.begin_incident,
    "getIncident": faults.get_incident,
    "endIncident": faults.end_incident,
    "saveSnapshot": snapshots.save,
    "loadSnapshot": snapshots.load,
    "listApps": apps.list_apps,
    "registerApp": apps.register_app,
    "changeApp": apps.change_app,
    "removeApp": apps.remove_app,
    "performAction": actions.perform,
    "listDeliveries": actions.list_deliveries,
    "resendDelivery": actions.resend,
    "getDeliveryPolicy": actions.get_policy,
    "setDeliveryPolicy": actions.set_policy,
    "getMetrics": control.get_metrics,
    "getOpenApi": control.get_openapi,
    "getApiPage": control.get_api_page,
    "getApiPageAsset": control.get_api_page_asset,
}
