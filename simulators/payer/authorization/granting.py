"""A member's decision as a grant: the consent is kept, a code goes back to the app (RFC 6749 section 4.1.2).

Leaves to others: what was decided (interaction.py, prompting.py), what the code yields (token.py).
"""

from __future__ import annotations

from starlette.responses import Response

from simulators.payer.authorization import answers, codes
from simulators.payer.authorization.answers import Asked
from simulators.payer.authorization.records import Code, Consent, digest
from simulators.payer.authorization.server import Server
from simulators.payer.protection import journal


def grant(server: Server, asked: Asked, consent: Consent, how: str) -> Response:
    """Keep a consent, note how it came about, and send its code back."""
    payer, now = server.payer, server.payer.clock.timestamp()
    text = codes.code_text(payer.faults, now)
    code = Code(
        digest(text), consent.id, consent.client_id, asked.redirect_uri, asked.challenge, asked.method, asked.nonce, consent.scope,
        asked.requested, now + codes.code_lifetime(payer.faults, server.settings.code_seconds),
    )  # fmt: skip
    with payer.database.transaction():
        server.ledger.add_consent(consent)
        server.ledger.add_code(code)
    journal.of(payer).audit(
        consent.subject,
        how,
        subject=consent.patient or "",
        client_id=consent.client_id,
        scope=consent.scope,
        sensitive=consent.sensitive,
    )
    return answers.redirect(server, asked.redirect_uri, {"code": text}, asked.state)
