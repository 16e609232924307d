"""The composition root of the agent on a storage: here settings become a store and an agent of it."""

from collections.abc import Sequence
from pathlib import Path

from agents.engine.memory.numbering import Keying
from agents.service.building import Composition
from agents.service.places import Place, TreePlace
from agents.storage.settings import Settings, recorders_of
from retention.errors import ConfigError
from retention.numbers import Keyed, NumberKey, e164, keyed, parse_keys


def storage(settings: Settings) -> Composition:
    """An agent on a storage, by its settings."""
    recorders = recorders_of(settings)
    return Composition(
        settings,
        _joined(settings),
        parts=recorders.part,
        tells=recorders.told,
        keying=_keying(settings.number_keys),
    )


def _joined(settings: Settings) -> Place:
    """The place of the recordings, and those of their rows where there are any."""
    main = _place(settings)
    if not settings.csv and not settings.tables:
        return main
    from agents.storage.rows_place import joined  # noqa: PLC0415

    return joined(main, settings.csv, settings.tables)


def _keying(path: str | None) -> Keying:
    """What may leave of a telephone number: what the keys in the file make of it, else nothing."""
    if path is None:
        return lambda _number: ()
    keys = _number_keys(Path(path))

    def keying(written: str) -> Sequence[Keyed]:
        number = e164(written)
        return () if number is None else keyed(number, keys)

    return keying


def _number_keys(path: Path) -> tuple[NumberKey, ...]:
    try:
        if path.stat().st_mode & 0o077:
            raise ConfigError(f"others may read {path}: run `chmod 600` on it, or make new keys")
        return parse_keys(path.read_text(encoding="ascii"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot read the number keys {path}") from error


def _place(settings: Settings) -> Place:
    if settings.directory is not None:
        place = settings.directory
        return TreePlace(place.root, place.private, anywhere=place.any_file_system)
    assert settings.bucket is not None, "the settings were checked"
    # Who looks after a directory has no room for what speaks to a bucket.
    try:
        from agents.storage.bucket_place import BucketPlace  # noqa: PLC0415
    except ImportError as error:
        raise ConfigError(
            "a bucket needs the package retention-agent-storage, or retention-enforcer[s3]"
        ) from error
    return BucketPlace(settings.bucket)
