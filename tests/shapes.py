"""A checker for jaxtyping's import hook that looks at array shapes and at nothing else.

Full run-time type checkers stumble over protocols and forward references; shapes are what types can't see.
"""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable
from typing import Any

from jaxtyping import AbstractArray


def checked(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, refusing arrays that are not what its signature says."""
    names = list(inspect.signature(function).parameters)

    @functools.wraps(function)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        promised = _promises(function)
        for name, value in [*zip(names, args, strict=False), *kwargs.items()]:
            _check(promised.get(name), value, f"{function.__qualname__}({name})")
        result = function(*args, **kwargs)
        _check(promised.get("return"), result, f"what {function.__qualname__} gives back")
        return result

    return guarded


@functools.cache
def _promises(function: Callable[..., Any]) -> dict[str, type]:
    """The array shapes among the annotations; those that only a type checker can resolve are left out."""
    scope = vars(sys.modules.get(function.__module__, inspect))
    found = {}
    for name, hint in inspect.get_annotations(function).items():
        try:
            hint = eval(hint, dict(scope)) if isinstance(hint, str) else hint
        except (NameError, TypeError):
            continue
        if isinstance(hint, type) and issubclass(hint, AbstractArray):
            found[name] = hint
    return found


def _check(promised: type | None, value: Any, place: str) -> None:
    if promised is not None and not isinstance(value, promised):
        shape = f"{getattr(value, 'dtype', type(value))} {tuple(getattr(value, 'shape', ()))}"
        raise TypeError(f"{place} is {shape}, promised is {promised.__name__}")
