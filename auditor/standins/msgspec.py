"""Stands in for msgspec: frozen structs, their JSON, and what it refuses.

Only what `retention` declares is known: integers, text, bytes (base64), booleans, dates, enums, literals,
tuples, mappings, structs by tag or as arrays, `Raw`, `UNSET` and bounds. `retention.codec` encodes what
it decoded and compares, so what is read leniently here is refused there.
"""

import json as _json
import types
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from datetime import date
from enum import Enum
from functools import cache
from inspect import get_annotations
from typing import (
    Annotated,
    Any,
    Literal,
    NewType,
    TypeVar,
    Union,
    dataclass_transform,
    get_args,
    get_origin,
    get_type_hints,
)

_T = TypeVar("_T")


class MsgspecError(Exception):
    """The root of what is raised here."""


class DecodeError(MsgspecError):
    """No JSON."""


class ValidationError(DecodeError):
    """JSON, and not of the type that was asked for."""


class UnsetType(Enum):
    """The type of `UNSET`, which counts as nothing."""

    UNSET = "UNSET"

    def __bool__(self) -> bool:
        return False


UNSET = UnsetType.UNSET


class Raw(bytes):
    """A value as it was written."""

    __slots__ = ()


class Meta:
    """Bounds of a value."""

    def __init__(  # the bounds there are
        self,
        *,
        ge: int | None = None,
        gt: int | None = None,
        le: int | None = None,
        lt: int | None = None,
        min_length: int | None = None,
        max_length: int | None = None,
    ) -> None:
        self._numbers = (ge, gt, le, lt)
        self._lengths = (min_length, max_length)

    def check(self, value: Any) -> None:
        """`ValidationError` unless the value keeps within."""
        ge, gt, le, lt = self._numbers
        shortest, longest = self._lengths
        held = (
            (ge is None or value >= ge)
            and (gt is None or value > gt)
            and (le is None or value <= le)
            and (lt is None or value < lt)
            and (shortest is None or len(value) >= shortest)
            and (longest is None or len(value) <= longest)
        )
        if not held:
            raise ValidationError("a value is out of its bounds")


class _Config:
    """How a struct is written."""

    __slots__ = ("array_like", "rename", "tag", "tag_field")

    def __init__(self, known: "_Config | None", name: str, options: Mapping[str, Any]) -> None:
        self.array_like: bool = options.get("array_like", known and known.array_like)
        self.rename: str | None = options.get("rename", known and known.rename)
        self.tag_field: str | None = options.get("tag_field", known and known.tag_field)
        tag: str | None = options.get("tag")
        if tag is not None and self.tag_field is None:
            self.tag_field = "type"
        self.tag = name if tag is None and self.tag_field is not None else tag


@dataclass_transform(frozen_default=True)
class Struct:
    """Fields by annotation; frozen, comparable, hashable."""

    __struct_fields__: tuple[str, ...] = ()
    __struct_config__: _Config
    __defaults: dict[str, Any]
    __positional: tuple[str, ...]

    def __init_subclass__(cls, *, kw_only: bool = False, **options: Any) -> None:
        super().__init_subclass__()
        known = getattr(cls, "__struct_config__", None)
        own = [n for n in get_annotations(cls) if not n.startswith("_")]
        base = cls.__struct_fields__
        fresh = [name for name in own if name not in base]
        cls.__struct_config__ = _Config(known, cls.__name__, options)
        positional = getattr(cls, "_Struct__positional", ())
        cls.__positional = positional if kw_only else (*positional, *fresh)
        cls.__struct_fields__ = (*base, *fresh)
        defaults = dict(getattr(cls, "_Struct__defaults", {}))
        cls.__defaults = defaults | {n: cls.__dict__[n] for n in own if n in cls.__dict__}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        given = dict(zip(self.__positional, args, strict=False)) | kwargs
        for name in self.__struct_fields__:
            if name in given:
                value = given.pop(name)
            elif name in self.__defaults:
                value = self.__defaults[name]
            else:
                raise TypeError(f"{type(self).__name__} needs {name}")
            object.__setattr__(self, name, value)
        if given or len(args) > len(self.__positional):
            raise TypeError(f"{type(self).__name__} has no {', '.join(given)}")

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"{type(self).__name__} is frozen")

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and _values(self) == _values(other)

    def __lt__(self, other: Any) -> bool:
        return _values(self) < _values(other)

    def __hash__(self) -> int:
        return hash((type(self), *_values(self)))

    def __repr__(self) -> str:
        told = (f"{n}={getattr(self, n)!r}" for n in self.__struct_fields__)
        return f"{type(self).__name__}({', '.join(told)})"


def _values(struct: Any) -> tuple[Any, ...]:
    return tuple(getattr(struct, name) for name in struct.__struct_fields__)


# Encoding


def _plain(value: Any) -> Any:
    """What `json` can write; a `Raw` becomes itself again in `_write`."""
    if isinstance(value, Struct):
        return _plain_struct(value)
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, bytes):
        return b64encode(value).decode()
    if isinstance(value, date):
        return value.isoformat()
    return value


def _plain_struct(value: Any) -> Any:
    config = value.__struct_config__
    if config.array_like:
        head = [] if config.tag is None else [config.tag]
        return [*head, *_values(value)]
    members = {} if config.tag is None else {config.tag_field: config.tag}
    for name in value.__struct_fields__:
        member = getattr(value, name)
        if member is not UNSET:
            members[_written(config, name)] = member
    return members


def _written(config: _Config, name: str) -> str:
    if config.rename != "camel":
        return name
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def _write(value: Any, *, ordered: bool) -> str:
    if isinstance(value, Raw):
        return bytes(value).decode()
    value = _plain(value)
    if isinstance(value, Mapping):
        members = sorted(value.items()) if ordered else value.items()
        told = (f"{_quoted(str(_plain(k)))}:{_write(v, ordered=ordered)}" for k, v in members)
        return f"{{{','.join(told)}}}"
    if isinstance(value, list | tuple):
        return f"[{','.join(_write(v, ordered=ordered) for v in value)}]"
    if isinstance(value, str):
        return _quoted(value)
    return _json.dumps(value)


def _quoted(text: str) -> str:
    text.encode()  # half a surrogate is no Unicode: UnicodeEncodeError, as msgspec raises
    return _json.dumps(text, ensure_ascii=False)


# Decoding

_Reader = Callable[[Any], Any]


def _reader(kind: Any) -> _Reader:
    """What turns a JSON value into one of this type, or raises `ValidationError`."""
    if isinstance(kind, NewType):
        return _reader(kind.__supertype__)
    if kind is Any:
        return lambda value: value
    if isinstance(kind, type) and issubclass(kind, Struct):
        return lambda value: _read_struct(kind, value)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return lambda value: _read_enum(kind, value)
    return _generic(kind) or _SIMPLE[kind]


def _generic(kind: Any) -> _Reader | None:
    origin, args = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return _bounded(_reader(args[0]), [each for each in args[1:] if isinstance(each, Meta)])
    if origin is Literal:
        return lambda value: _one_of(value, args)
    if origin in {Union, types.UnionType}:
        return _union([each for each in args if each is not UnsetType])
    if origin is tuple:
        return _many(args[0]) if args[1:] == (...,) else _row([_reader(each) for each in args])
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return _mapping(_reader(args[1]))
    return None


def _expect(value: Any, kind: type) -> Any:
    if type(value) is not kind:
        raise ValidationError(f"expected {kind.__name__}, got {type(value).__name__}")
    return value


def _read_bytes(value: Any) -> bytes:
    try:
        return b64decode(_expect(value, str), validate=True)
    except ValueError as error:
        raise ValidationError("not base64") from error


def _read_date(value: Any) -> date:
    try:
        return date.fromisoformat(_expect(value, str))
    except ValueError as error:
        raise ValidationError("no date") from error


def _read_raw(value: Any) -> Raw:
    return Raw(_write(value, ordered=True).encode())


def _read_none(value: Any) -> None:
    if value is not None:
        raise ValidationError("expected null")


_SIMPLE: dict[Any, _Reader] = {
    int: lambda value: _expect(value, int),
    str: lambda value: _expect(value, str),
    bool: lambda value: _expect(value, bool),
    bytes: _read_bytes,
    date: _read_date,
    Raw: _read_raw,
    type(None): _read_none,
}


def _read_enum(kind: Any, value: Any) -> Any:
    try:
        return kind(value)
    except ValueError as error:
        raise ValidationError(f"no {kind.__name__}") from error


def _one_of(value: Any, args: tuple[Any, ...]) -> Any:
    if value not in args:
        raise ValidationError("not one of those that may stand here")
    return value


def _bounded(read: _Reader, bounds: list[Meta]) -> _Reader:
    def bounded(value: Any) -> Any:
        found = read(value)
        for each in bounds:
            each.check(found)
        return found

    return bounded


def _union(kinds: list[Any]) -> _Reader:
    """By tag where structs have one, else whichever reads it."""
    readers = [_reader(kind) for kind in kinds]

    def union(value: Any) -> Any:
        for read in readers:
            try:
                return read(value)
            except ValidationError as error:
                last = error
        raise last

    return union


def _many(kind: Any) -> _Reader:
    read = _reader(kind)
    return lambda value: tuple(read(each) for each in _expect(value, list))


def _row(readers: list[_Reader]) -> _Reader:
    def row(value: Any) -> Any:
        if len(_expect(value, list)) != len(readers):
            raise ValidationError("an array has another length")
        return tuple(read(each) for read, each in zip(readers, value, strict=True))

    return row


def _mapping(read: _Reader) -> _Reader:
    return lambda value: {key: read(each) for key, each in _expect(value, dict).items()}


@cache
def _fields(kind: Any) -> dict[str, tuple[str, _Reader]]:
    """By how it is written: the name of each field, and its reader."""
    hints = get_type_hints(kind, include_extras=True)
    config = kind.__struct_config__
    return {_written(config, n): (n, _reader(hints[n])) for n in kind.__struct_fields__}


def _read_struct(kind: Any, value: Any) -> Any:
    config, fields = kind.__struct_config__, _fields(kind)
    if config.array_like:
        value = _array_members(config, fields, _expect(value, list))
    members = dict(_expect(value, dict))
    if config.tag is not None and members.pop(config.tag_field, None) != config.tag:
        raise ValidationError(f"no {kind.__name__}")
    if unknown := members.keys() - fields.keys():
        raise ValidationError(f"unknown field {min(unknown)}")
    read = {fields[name][0]: fields[name][1](member) for name, member in members.items()}
    try:
        return kind(**read)
    except TypeError as error:
        raise ValidationError(str(error)) from error


def _array_members(config: _Config, fields: Mapping[str, Any], value: list[Any]) -> dict[str, Any]:
    names = [*([config.tag_field] if config.tag_field else []), *fields]
    if len(value) > len(names):
        raise ValidationError("an array is too long")
    return dict(zip(names, value, strict=False))


class json:  # noqa: N801 # a module of msgspec
    """Stands in for `msgspec.json`."""

    class Encoder:
        """Writes values as JSON."""

        def __init__(self, *, order: str | None = None) -> None:
            self._ordered = order is not None

        def encode(self, value: Any) -> bytes:
            """The bytes."""
            return _write(value, ordered=self._ordered).encode()

    class Decoder:
        """Reads values of one type."""

        def __init__(self, kind: Any = Any) -> None:
            self._read = _reader(kind)

        def __class_getitem__(cls, _kind: Any) -> type:
            return cls

        def decode(self, data: bytes) -> Any:
            """The value; `MsgspecError` if it is none."""
            try:
                value = _json.loads(bytes(data).decode())
            except ValueError as error:
                raise DecodeError(str(error)) from error
            return self._read(value)

    @staticmethod
    def encode(value: Any) -> bytes:
        """The bytes, in the order things have."""
        return _write(value, ordered=False).encode()

    @staticmethod
    def decode(data: bytes) -> Any:
        """Any value."""
        return json.Decoder().decode(data)


class structs:  # noqa: N801 # a module of msgspec
    """Stands in for `msgspec.structs`."""

    @staticmethod
    def replace(struct: _T, **changes: Any) -> _T:
        """The same, changed."""
        kept = dict(zip(struct.__struct_fields__, _values(struct), strict=True))  # type: ignore[attr-defined] # any struct
        return type(struct)(**(kept | changes))

    @staticmethod
    def asdict(struct: Any) -> dict[str, Any]:
        """Its fields by name."""
        return dict(zip(struct.__struct_fields__, _values(struct), strict=True))
