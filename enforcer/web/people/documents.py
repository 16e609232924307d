"""What people ask about documents that take two signatures."""

from sqlalchemy import Connection

from enforcer import prove
from enforcer.govern import approvals, papers
from enforcer.govern.forms.documents import Documents, Proposal, Signed
from enforcer.web import rights
from enforcer.web.desk import Answer, Asked
from enforcer.web.people_api import Route


def list_open(connection: Connection, asked: Asked) -> Answer:
    """What waits for somebody; with `?all=1` what does not any more, too."""
    everything = asked.query.get("all") == "1"
    found = approvals.listed(connection, asked.chain, all_of_them=everything)
    return Answer(Documents(tuple(found)))


def show(connection: Connection, asked: Asked) -> Answer:
    """One, with the very bytes that are to be signed."""
    return Answer(approvals.shown(connection, asked.chain, asked.path["document"]))


def propose(connection: Connection, asked: Asked) -> Answer:
    """A new one, with the first signature."""
    form = asked.form(Proposal)
    paper = papers.read(form.envelope)
    rights.require(asked.person, "sign", paper.kind)
    document = approvals.propose(
        connection,
        asked.chain,
        form.envelope,
        form.reasons,
        person=asked.person.id,
        now=asked.now,
    )
    return _shown(connection, asked, document, papers.about(paper))


def sign(connection: Connection, asked: Asked) -> Answer:
    """The second signature has it carried out."""
    document, signed = asked.path["document"], asked.form(Signed).envelope
    rights.require(asked.person, "sign", papers.read(signed).kind)
    paper = approvals.sign(
        connection, asked.chain, document, signed, person=asked.person.id, now=asked.now
    )
    if paper is not None and paper.kind == papers.SUCCESSION:
        approved = approvals.shown(connection, asked.chain, document).envelope
        prove.succeed(connection, asked.chain, approved, asked.now)
    return _shown(connection, asked, document, "approved" if paper else "")


def publish(connection: Connection, asked: Asked) -> Answer:
    """A policy that two owners signed becomes the present one."""
    document = asked.path["document"]
    version = approvals.publish(connection, asked.chain, document)
    return _shown(connection, asked, document, f"policy version {version}")


def withdraw(connection: Connection, asked: Asked) -> Answer:
    """A proposal is taken back."""
    document = asked.path["document"]
    kind = approvals.shown(connection, asked.chain, document).kind
    rights.require(asked.person, "withdraw", kind)
    approvals.withdraw(connection, document, asked.now)
    return _shown(connection, asked, document, "")


def _shown(connection: Connection, asked: Asked, document: str, detail: str) -> Answer:
    return Answer(approvals.shown(connection, asked.chain, document), document, detail)


ROUTES = (
    Route("GET", "/v1/documents", "show", "documents", list_open, logged=False),
    Route("POST", "/v1/documents", "propose", "", propose),
    Route("GET", "/v1/documents/{document}", "show", "documents", show, logged=False),
    Route("POST", "/v1/documents/{document}/sign", "sign", "", sign),
    Route("POST", "/v1/documents/{document}/publish", "publish", "policy", publish),
    Route("POST", "/v1/documents/{document}/withdraw", "withdraw", "", withdraw),
)
