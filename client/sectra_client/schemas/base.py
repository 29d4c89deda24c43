"""What all models share: unknown members are kept, numbers aren't guessed, and nothing is said that nobody said."""

import math
import numbers
from typing import Annotated, Any, ClassVar, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    Strict,
    model_serializer,
)
from pydantic_core import CoreSchema, PydanticCustomError, core_schema
from pydantic_core.core_schema import SerializerFunctionWrapHandler

T = TypeVar("T")


class WireModel(BaseModel):
    """A JSON object of the API, its members as attributes; members that it doesn't know are kept and sent back."""

    model_config = ConfigDict(extra="allow", ser_json_inf_nan="constants")


class SparseModel(WireModel):
    """A model that leaves out members that are None, but for those of `NULLABLE` that were set to None or read as
    null.
    """

    NULLABLE: ClassVar[frozenset[str]] = frozenset()

    @model_serializer(mode="wrap")
    def _without_unsaid(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        kept = (self.model_fields_set & self.NULLABLE) | (self.__pydantic_extra__ or {}).keys()
        return {name: value for name, value in handler(self).items() if value is not None or name in kept}


def _is_number(value: Any, kind: type) -> bool:
    return isinstance(value, kind) and not isinstance(value, bool)


def _other_integer(value: Any) -> int:
    """Whole numbers of other types, such as numpy's; 2.0 is whole, too, as JSON Schema has it."""
    if _is_number(value, numbers.Integral) or (isinstance(value, float) and value.is_integer()):
        return int(value)
    raise PydanticCustomError("integer", "a whole number is needed")


def _other_number(value: Any) -> float:
    """Numbers of other types, such as numpy's; infinity and NaN are none in JSON."""
    if _is_number(value, numbers.Integral):
        return int(value)
    if _is_number(value, numbers.Real) and math.isfinite(value):
        return float(value)
    raise PydanticCustomError("number", "a finite number is needed")


class _Numeric:
    """A union that tries the fast exact types first and says one thing where none fits: text and booleans are no
    numbers.
    """

    def __init__(self, name: str, *fast: CoreSchema, other: Any, message: str) -> None:
        self._name = name
        self._choices = [*fast, core_schema.no_info_plain_validator_function(other)]
        self._message = message

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"type": self._name}

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.union_schema(
            [*self._choices],
            mode="left_to_right",
            custom_error_type="number_expected",
            custom_error_message=self._message,
        )


_INT = core_schema.int_schema(strict=True)
_FLOAT = core_schema.float_schema(strict=True, allow_inf_nan=False)

Integer = Annotated[int, _Numeric("integer", _INT, other=_other_integer, message="a whole number is needed")]
"""A whole number; text and booleans are not coerced."""

Number = Annotated[float, _Numeric("number", _INT, _FLOAT, other=_other_number, message="a finite number is needed")]
"""A finite number; integers stay integers, text and booleans are not coerced."""

Flag = Annotated[bool, Strict()]
"""true or false; numbers and text are not coerced."""

Name = Annotated[str, Field(min_length=1)]
"""Text of at least one character."""

NullAsList = Annotated[list[T], BeforeValidator(lambda value: [] if value is None else value)]
"""A list that null reads as empty."""

NullAsObject = Annotated[dict[str, T], BeforeValidator(lambda value: {} if value is None else value)]
"""An object that null reads as empty."""
