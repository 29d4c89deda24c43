"""What can be said of a result's shapes beyond the schema: where its points really lie, and what nobody can use."""

from ia_api_contract.app_geometry.detective import Suspicion, detect
from ia_api_contract.app_geometry.examining import Limits, Remark, examine
from ia_api_contract.app_geometry.overlay import overlay
from ia_api_contract.app_geometry.shapes import Shape, shapes_of

__all__ = ["Limits", "Remark", "Shape", "Suspicion", "detect", "examine", "overlay", "shapes_of"]
