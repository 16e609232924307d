"""What somebody does to a bundle who has the enforcer's online key, and what the auditor says of it."""

from msgspec import structs

from auditor.findings import Verdict
from auditor.verify import read_chain
from retention import bundle, codec, envelope
from retention.bundle import Manifest
from retention.errors import RetentionError
from retention.page import page


def told(report, verdict=Verdict.VIOLATED):
    return "\n".join(f"{f.check}: {f.text}" for f in report.findings if f.verdict is verdict)


def replaced(members, name, type_, change):
    """The members with one of them decoded, changed by a function of its list, encoded."""
    documents = list(bundle.parse(members[name], type_))
    return members | {name: bundle.lines(change(documents))}


def resigned(members, key, *, page_as_it_is=False):
    """Under a new manifest: what somebody can do who has the enforcer's online key."""
    old = codec.decode(envelope.decode(members[bundle.MANIFEST]).payload, Manifest)
    if not page_as_it_is:
        members = members | remade(members, old)
    listed = bundle.members_of(members)
    unchecked = bundle.not_checked(members)
    new = structs.replace(old, members=listed, not_checked=unchecked)
    sealed = envelope.seal(bundle.KIND, codec.encode(new), [key])
    return members | {bundle.MANIFEST: envelope.encode(sealed)}


def remade(members, manifest):
    """The page that the members make, if they make one."""
    chain = read_chain(members[bundle.POLICY], None)
    when = {"made_at": manifest.made_at, "since": manifest.since, "through": manifest.through}
    try:
        return {bundle.PAGE: page(members, chain, **when)}
    except RetentionError:
        return {}


def changed(document, **changes: object):
    return structs.replace(document, **changes)
