"""What stays in full precision where autocast rounds: sums over choices, whose terms may cancel."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

import torch
from torch import Tensor

P = ParamSpec("P")
T = TypeVar("T")


def unrounded(
    method: Callable[Concatenate[Any, Tensor, P], T],
) -> Callable[Concatenate[Any, Tensor, P], T]:
    """The method of a tensor outside of autocast; a tensor that was rounded already is widened to float32."""

    @wraps(method)
    def full(self: Any, x: Tensor, /, *args: P.args, **kwargs: P.kwargs) -> T:
        if not torch.is_autocast_enabled(x.device.type):
            return method(self, x, *args, **kwargs)
        with torch.autocast(x.device.type, enabled=False):
            return method(self, x.float() if x.itemsize < 4 else x, *args, **kwargs)

    return full
