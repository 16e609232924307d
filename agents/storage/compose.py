"""The composition root of the agent on a storage: here settings become a store and an agent of it."""

from agents.service.building import Composition
from agents.service.places import Place, TreePlace
from agents.storage.settings import Settings, recorders_of


def storage(settings: Settings) -> Composition:
    """An agent on a storage, by its settings."""
    recorders = recorders_of(settings)
    return Composition(settings, _place(settings), parts=recorders.part, sidecars=recorders.sidecar)


def _place(settings: Settings) -> Place:
    if settings.directory is not None:
        place = settings.directory
        return TreePlace(place.root, place.private, anywhere=place.any_file_system)
    assert settings.bucket is not None, "the settings were checked"
    # Who looks after a directory has no room for what speaks to a bucket.
    from agents.storage.bucket_place import BucketPlace  # noqa: PLC0415

    return BucketPlace(settings.bucket)
