"""Settings: YAML and `--set key=value` become validated, frozen objects.

This module has no settings of its own: each component defines its class beside its code.
"""

import difflib
import hashlib
import json
import types
import typing
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Self, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError, ValidationInfo, field_validator
from pydantic_core import ErrorDetails

from audiogen.errors import UserError


class Settings(BaseModel):
    """Base of every component's settings: frozen, and unknown keys are an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)

    @field_validator("*", mode="before")
    @classmethod
    def _refuse_booleans_for_numbers(cls, value: Any, info: ValidationInfo) -> Any:
        # YAML reads `no` and `on` as booleans, and pydantic would count them as 0 and 1.
        if isinstance(value, bool) and info.field_name is not None:
            annotation = cls.model_fields[info.field_name].annotation
            if bool not in _leaf_types(annotation):
                raise ValueError("true or false is no value here (YAML reads yes, no, on, off so)")
        return value

    def changed(self, **changes: Any) -> Self:
        """Return a copy with some values replaced, validated like any other."""
        return type(self).model_validate(self.model_dump() | changes)

    def to_json(self) -> dict[str, Any]:
        """Return the whole resolved settings as plain JSON values."""
        return self.model_dump(mode="json")

    def digest(self) -> str:
        """Hash the resolved settings; 16 hexadecimal digits."""
        text = json.dumps(self.to_json(), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


S = TypeVar("S", bound=Settings)


def load_settings(kind: type[S], path: Path, changes: Sequence[str] = ()) -> S:
    """Read a YAML file, apply `key.sub=value` changes, and validate the result.

    Raises:
        UserError: one line for each thing that is wrong: key, rule, value, nearest known key.
    """
    values = _read_yaml(path)
    for change in changes:
        _apply_change(values, change)
    return validated(kind, values, source=str(path))


def validated(kind: type[S], values: dict[str, Any], source: str) -> S:
    """Validate plain values; `source` names them in error messages."""
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        lines = [_explain(kind, detail) for detail in error.errors()]
        raise UserError("\n".join(f"{source}: {line}" for line in lines)) from None


def nearest(name: str, known: Iterable[str]) -> str:
    """Return "; did you mean 'x'?" for the nearest known name, or nothing."""
    matches = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f"; did you mean '{matches[0]}'?" if matches else ""


def _read_yaml(path: Path) -> dict[str, Any]:
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"{path}: no such config file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: cannot be read ({error})") from None
    except yaml.YAMLError as error:
        raise UserError(f"{path}: not YAML ({' '.join(str(error).split())})") from None
    if not isinstance(values, dict):
        raise UserError(f"{path}: holds no settings; expected lines like 'key: value'")
    return values


def _apply_change(values: dict[str, Any], change: str) -> None:
    key, equals, text = change.partition("=")
    if not equals or not key:
        raise UserError(f"--set {change}: expected key=value, for example prior.dim=512")
    *parents, last = key.split(".")
    for parent in parents:
        values = values.setdefault(parent, {})
        if not isinstance(values, dict):
            raise UserError(f"--set {change}: '{parent}' is a value, not a group of settings")
    try:
        values[last] = yaml.safe_load(text)
    except yaml.YAMLError:
        raise UserError(f"--set {change}: '{text}' is not a YAML value") from None


def _explain(kind: type[BaseModel], detail: ErrorDetails) -> str:
    location = detail["loc"]
    key = ".".join(str(part) for part in location)
    if detail["type"] == "extra_forbidden":
        return f"{key}: no such setting{nearest(str(location[-1]), _known_keys(kind, location))}"
    rule = detail["msg"].removeprefix("Value error, ")
    rule = rule[0].lower() + rule[1:]
    if detail["type"] == "missing":
        return f"{key}: missing; this setting has no default"
    if not key:
        return rule
    shown = repr(detail["input"])
    return f"{key}: {rule} (got {shown if len(shown) < 80 else shown[:77] + '...'})"


def _known_keys(kind: type[BaseModel], location: tuple[int | str, ...]) -> list[str]:
    for part in location[:-1]:
        field = kind.model_fields.get(str(part))
        models = [
            leaf for leaf in _leaf_types(field.annotation if field else None) if _is_model(leaf)
        ]
        if not models:
            break
        kind = models[0]
    return list(kind.model_fields)


def _is_model(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def _leaf_types(annotation: Any) -> set[Any]:
    if typing.get_origin(annotation) is None or isinstance(annotation, types.GenericAlias):
        arguments = typing.get_args(annotation)
        return {annotation} if not arguments else set().union(*map(_leaf_types, arguments))
    leaves = (_leaf_types(argument) for argument in typing.get_args(annotation))
    return set().union(*leaves)
