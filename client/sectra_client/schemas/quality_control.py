"""The verdict of quality control on a slide (IA-API 1.10)."""

from enum import StrEnum, unique
from typing import Annotated

from pydantic import Field, model_validator

from sectra_client.schemas.base import Name, WireModel


@unique
class QualityControlStatus(StrEnum):
    """The verdicts that IA-API 1.10 knows."""

    NOT_SET = "NotSet"
    QUALITY_OK = "QualityOk"
    REJECTED = "Rejected"


class QualityControlData(WireModel):
    """The verdict on a slide and its `versionId`; a verdict that this client doesn't know is read as text."""

    status: Annotated[QualityControlStatus | str, Field(union_mode="left_to_right")]
    versionId: Annotated[Name, Field(max_length=256)]


class QualityControl(WireModel):
    """A change of the verdict: the `versionId` inside is the one last read."""

    applicationVersion: str
    qualityControl: QualityControlData

    @model_validator(mode="after")
    def _known_status(self) -> "QualityControl":
        status = self.qualityControl.status
        if not isinstance(status, QualityControlStatus):
            known = ", ".join(QualityControlStatus)
            raise ValueError(f"the status {status!r} can't be set: known are {known}")
        return self
