"""The tables of the developers' documentation: errors, parameters, members of the token response, fields of a request."""

from __future__ import annotations

OAUTH_ERRORS = (
    ("invalid_request", 400, "a parameter is missing, repeated, malformed or too long", "mend the request"),
    (
        "invalid_client",
        401,
        "client authentication failed, or the app is suspended",
        "check id, secret or key; ask support when suspended",
    ),
    (
        "invalid_grant",
        400,
        "the code or refresh token is unknown, used, expired, revoked or another app's",
        "send the member through sign-in again",
    ),
    ("unauthorized_client", 400, "the app is not registered for this grant", "change the registration"),
    ("unsupported_grant_type", 400, "the grant_type is not offered", "use one of those listed"),
    (
        "invalid_scope",
        400,
        "no scope asked for can be granted, or a refresh asks for more than was granted",
        "ask for registered scopes",
    ),
    ("access_denied", 302, "on the redirect: the member declined", "respect it"),
    ("login_required", 302, "on the redirect: prompt=none, and nobody is signed in", "ask again without prompt=none"),
    (
        "consent_required",
        302,
        "on the redirect: prompt=none, and the member has not allowed all of this before",
        "ask again without prompt=none",
    ),
    (
        "interaction_required",
        302,
        "on the redirect: prompt=none, and the member must prove more",
        "ask again without prompt=none",
    ),
    ("temporarily_unavailable", 429, "too many requests", "wait as long as Retry-After says"),
)
FHIR_ERRORS = (
    (400, "invalid", "a search parameter is malformed or not supported under Prefer: handling=strict"),
    (401, "login", "the access token is missing, expired or revoked; WWW-Authenticate says so"),
    (403, "forbidden", "the scopes of the token do not reach this"),
    (404, "not-found", "there is no such resource in this member's record"),
    (405, "not-supported", "the method is not offered; Allow lists those that are"),
    (406, "not-supported", "the format asked for is not offered"),
    (429, "throttled", "too many requests; wait as long as Retry-After says"),
    (500, "exception", "our fault; try again later"),
)
AUTHORIZE = (
    ("response_type", "required", "string", "code"),
    ("client_id", "required", "string", "from registration"),
    ("redirect_uri", "required", "URI", "one of those registered, exactly; for a loopback address any port"),
    ("scope", "required", "string", "scopes separated by single spaces"),
    ("state", "state", "string", "an unguessable value; comes back unchanged"),
    ("aud", "aud", "URI", "the FHIR base address"),
    ("code_challenge", "pkce", "string", "base64url of SHA-256 of the code_verifier"),
    ("code_challenge_method", "pkce", "string", "S256"),
    ("nonce", "optional", "string", "comes back in the id_token"),
    ("prompt", "optional", "string", "none, login, consent or select_account"),
    ("max_age", "optional", "integer", "seconds since the member signed in, at most"),
    ("id_token_hint", "optional", "string", "an id_token of the member who is expected"),
    ("login_hint", "optional", "string", "fills in the user ID"),
    ("ui_locales", "optional", "string", "en or es"),
)
TOKEN = (
    ("grant_type", "required", "string", "authorization_code, refresh_token or client_credentials, as offered"),
    ("code", "with authorization_code", "string", "from the redirect; good once, for a minute"),
    ("redirect_uri", "with authorization_code", "URI", "as in the authorization request"),
    ("code_verifier", "with a code_challenge", "string", "43 to 128 characters"),
    ("refresh_token", "with refresh_token", "string", "from the last token response"),
    ("scope", "optional with refresh_token", "string", "less than was granted, never more"),
    ("client_id", "public apps", "string", "confidential apps authenticate instead"),
)
TOKEN_RESPONSE = (
    ("access_token", "string", "for Authorization: Bearer"),
    ("token_type", "string", "Bearer"),
    ("expires_in", "integer", "seconds"),
    ("scope", "string", "what was granted; it may be less than was asked"),
    ("refresh_token", "string", "with offline_access or online_access; a public app gets a new one each time"),
    ("id_token", "string", "with openid: a signed JWT (RS256)"),
    ("patient", "string", "the id of the member's Patient resource"),
    (
        "part2_disclosure",
        "object",
        "when records under 42 CFR Part 2 are shared: the statement of 2.32, what the consent covers, and where to read it with the token",
    ),
)
FIELDS = (
    ("contact", "Name and e-mail address of a person who answers", True),
    ("company", "Company name", True),
    ("name", "App title", True),
    ("redirect_uris", "Callback URL, one or more; https, loopback, or the app's own scheme", True),
    ("description", "Description of the app and anything else that matters", True),
    ("scopes", "Scopes the app will use", True),
    ("type", "Kind of app: public, or with a secret or a key", True),
    ("policy_uri", "Address of the privacy policy, open to anyone", True),
)
