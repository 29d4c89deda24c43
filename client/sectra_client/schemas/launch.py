"""What a browser-launched app learns of the case that it was started on."""

from sectra_client.schemas.base import WireModel
from sectra_client.schemas.common import CallbackInfo


class LaunchSlide(WireModel):
    """A slide of the case."""

    id: str
    description: str


class LaunchBlock(WireModel):
    """A block of tissue and its slides."""

    name: str
    slides: list[LaunchSlide]


class LaunchData(WireModel):
    """The blocks of the case, and where and with what to call back."""

    callbackInfo: CallbackInfo
    blocks: list[LaunchBlock]
