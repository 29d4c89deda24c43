"""Why a server refused a request (RFC 9457, `application/problem+json`)."""

from pydantic import Field

from sectra_client.schemas.base import Integer, SparseModel


class Violation(SparseModel):
    """One place that is wrong: the part of the message (`part`, `in` on the wire), the pointer, what came and what was
    expected.
    """

    part: str = Field(alias="in", default="")
    pointer: str = ""
    came: str = ""
    expected: str = ""
    hint: str | None = None

    def __str__(self) -> str:
        place = f"{self.part} {self.pointer}".strip()
        return f"{place}: came {self.came}, expected {self.expected}" + (f" ({self.hint})" if self.hint else "")


class Problem(SparseModel):
    """Why a request was refused, with every place that is wrong."""

    type: str = "about:blank"
    title: str = ""
    status: Integer | None = None
    detail: str = ""
    hint: str | None = None
    violations: list[Violation] = Field(default_factory=list)

    def __str__(self) -> str:
        lines = [self.detail or self.title, *(f"- {violation}" for violation in self.violations)]
        return "\n".join([*lines, *([f"Hint: {self.hint}"] if self.hint else [])])
