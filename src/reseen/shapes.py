"""Shapes and types of arrays, as annotations name them: jaxtyping's.

They are checked while tests run, and read by type checkers; nothing else needs them. Where jaxtyping is missing, as on
a machine with nothing but torch and what training reads and writes, their names stand for nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jaxtyping import Bool, Float, Float32, Float64, Int32, Int64, Integer, Shaped, UInt8
else:
    try:
        from jaxtyping import Bool, Float, Float32, Float64, Int32, Int64, Integer, Shaped, UInt8
    except ModuleNotFoundError:

        class _Unchecked:
            """`Name[array, "shape"]` is the array's type."""

            def __class_getitem__(cls, array_and_shape: tuple[Any, str]) -> Any:
                return array_and_shape[0]

        Bool = Float = Float32 = Float64 = Int32 = Int64 = Integer = Shaped = UInt8 = _Unchecked

__all__ = ["Bool", "Float", "Float32", "Float64", "Int32", "Int64", "Integer", "Shaped", "UInt8"]
