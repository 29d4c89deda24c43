"""Which method of the client performs which operation of the contract."""

from collections.abc import Mapping

METHODS: Mapping[str, str] = {
    "getInfo": "version_info",
    "getSlideInfo": "get_image_metadata",
    "getSlideLabel": "get_label_image",
    "getSlideFiles": "download_slide_files",
    "getTile": "get_tile",
    "getCaseImages": "get_image_infos_in_case",
    "getCaseImagesBySlide": "get_image_infos_in_case_by_slide_id",
    "setQualityControl": "set_quality_control",
    "getApplication": "get_application",
    "createResult": "create_results",
    "getResult": "get_result_by_result_id",
    "updateResult": "update_results",
    "listResults": "get_all_results",
    "getAttachment": "get_attachment",
    "putAttachment": "upload_attachment",
    "createToken": "from_credentials",
    "getLaunchData": "get_launch_data",
}
"""By operationId; `download_attachment`, `list_attachments` and `modify_result` are built of these."""
