"""What all models share: unknown members are kept, numbers aren't guessed, and nothing is said that nobody said."""

import math
import numbers
from collections.abc import Callable, Mapping
from typing import Annotated, Any, ClassVar, Self, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    ModelWrapValidatorHandler,
    PrivateAttr,
    Strict,
    ValidationInfo,
    model_serializer,
    model_validator,
)
from pydantic_core import CoreSchema, PydanticCustomError, core_schema
from pydantic_core.core_schema import SerializerFunctionWrapHandler

T = TypeVar("T")


class WireModel(BaseModel):
    """A JSON object of the API, its members as attributes; members that it doesn't know are kept and sent back."""

    # Built at first use: an app needs some of the models, and importing them all is part of its start.
    model_config = ConfigDict(extra="allow", ser_json_inf_nan="constants", defer_build=True)


AS_READ = {"read": True}
"""Validation context of what a server said: it is sent back as it came, without the defaults of new results."""

_NOTHING: tuple[Any, ...] = (None, [], {})


class SparseModel(WireModel):
    """A model that leaves out members that are None, but for those of `NULLABLE` that were set to None or read as
    null.

    What was read from a server (`AS_READ`) goes back as it came: absent members stay absent unless they were given a
    value, null stays null. `ABSENT` are the values of members that were absent when read, where the default of a new
    model would say something that nobody said.
    """

    NULLABLE: ClassVar[frozenset[str]] = frozenset()
    ABSENT: ClassVar[Mapping[str, Callable[[], Any]]] = {}

    _is_read: bool = PrivateAttr(default=False)
    _nulls: frozenset[str] = PrivateAttr(default=frozenset())

    @model_validator(mode="wrap")
    @classmethod
    def _as_it_came(cls, value: Any, handler: ModelWrapValidatorHandler[Self], info: ValidationInfo) -> Self:
        model = handler(value)
        if info.context == AS_READ and isinstance(value, dict):
            model._is_read = True
            model._nulls = frozenset(name for name, member in value.items() if member is None)
            model.__dict__.update({name: make() for name, make in cls.ABSENT.items() if name not in value})
        return model

    @model_serializer(mode="wrap")
    def _without_unsaid(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        dumped = handler(self)
        kept = (self.model_fields_set & self.NULLABLE) | (self.__pydantic_extra__ or {}).keys()
        if not self._is_read:
            return {name: value for name, value in dumped.items() if value is not None or name in kept}
        kept |= self._nulls
        said = self.model_fields_set | kept
        came = {name: None if name in self._nulls and value in _NOTHING else value for name, value in dumped.items()}
        return {
            name: value
            for name, value in came.items()
            if (value is not None or name in kept) and (name in said or value not in _NOTHING)
        }

    def __eq__(self, other: object) -> bool:
        """Equal are models of one class with equal members, whether read or made."""
        if not isinstance(other, SparseModel) or type(self) is not type(other):
            return NotImplemented
        return self.__dict__ == other.__dict__ and self.__pydantic_extra__ == other.__pydantic_extra__


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
