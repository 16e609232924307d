"""Any document of a kind, within the bounds that its fields declare."""

from typing import Any

from hypothesis import strategies as st
from msgspec import inspect

_LARGE = 2**53


def documents(kind: type) -> st.SearchStrategy[Any]:
    """Documents of this `msgspec.Struct`."""
    return _of(inspect.type_info(kind))


def _of(known: inspect.Type) -> st.SearchStrategy[Any]:
    match known:
        case inspect.StructType():
            fields = {field.encode_name: field for field in known.fields}
            parts = {field.name: _of(field.type) for field in fields.values()}
            return st.builds(known.cls, **parts)
        case inspect.UnionType():
            return st.one_of(*map(_of, known.types))
        case inspect.NoneType():
            return st.none()
        case inspect.TupleType():
            return st.tuples(*map(_of, known.item_types))
        case inspect.VarTupleType():
            return st.lists(_of(known.item_type), max_size=2).map(tuple)
        case _:
            return _plain(known)


def _plain(known: inspect.Type) -> st.SearchStrategy[Any]:
    match known:
        case inspect.IntType():
            least = known.ge if known.ge is not None else (known.gt or -_LARGE) + 1
            most = known.le if known.le is not None else (known.lt or _LARGE) - 1
            return st.integers(least, most)
        case inspect.StrType():
            characters = st.characters(exclude_categories=["Cs"])
            return st.text(characters, max_size=min(known.max_length or 20, 64))
        case inspect.BytesType():
            return st.binary(max_size=min(known.max_length or 20, 64))
        case inspect.LiteralType(values=chosen) | inspect.EnumType(cls=chosen):
            return st.sampled_from(list(chosen))
        case inspect.BoolType():
            return st.booleans()
        case inspect.DateType():
            return st.dates()
    raise NotImplementedError(known)
