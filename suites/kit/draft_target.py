"""`target init URL`: a target file drafted from what a server says about itself; what only its owner knows is marked."""

from __future__ import annotations

import json
from typing import Any

from suites.kit.http import Answer, Http
from suites.kit.masking import Masker
from suites.kit.outcomes import BadTarget, NonConformance
from suites.kit.recorder import Recorder
from suites.kit.target import Network
from suites.protocol import urls

# Canonical URL prefixes of the guides this project knows, with the name they have here.
GUIDES = (
    ("http://hl7.org/fhir/us/core/", "us-core"),
    ("http://hl7.org/fhir/us/carin-bb/", "carin-bb"),
    ("http://hl7.org/fhir/us/davinci-pdex/", "pdex"),
    ("http://hl7.org/fhir/us/davinci-pdex-plan-net/", "plan-net"),
    ("http://hl7.org/fhir/us/Davinci-drug-formulary/", "formulary"),
    ("http://hl7.org/fhir/us/davinci-drug-formulary/", "formulary"),
)
CLIENT_KINDS = (
    ("client-public", "public", ""),
    ("client-confidential-symmetric", "confidential-symmetric", 'client_secret_env = "CLIENT_SECRET"'),
    (
        "client-confidential-asymmetric",
        "confidential-asymmetric",
        'private_key_file = "client.key.pem"\nkey_id = "FILL IN"',
    ),
)
WANTED_SCOPES = ("launch/patient", "openid", "fhirUser", "offline_access")


def draft(url: str, network: Network | None = None) -> str:
    """The text of a target file for a FHIR base; BadTarget when no FHIR server is there."""
    base = url.rstrip("/").removesuffix("/metadata").removesuffix("/.well-known/smart-configuration")
    if not urls.is_absolute(base):
        raise BadTarget(f"{url!r} is no http(s) URL; give the FHIR base, for example https://payer.example/fhir")
    http = Http(network or Network(), Recorder(None, "init", Masker()))
    try:
        smart = _document(http.get(urls.smart_configuration(base), headers={"Accept": "application/json"}))
        metadata = _document(http.get(urls.below(base, "metadata"), headers={"Accept": "application/fhir+json"}))
    finally:
        http.close()
    if not smart and metadata.get("resourceType") != "CapabilityStatement":
        raise BadTarget(f"{base} serves neither a SMART configuration nor a CapabilityStatement; is it the FHIR base?")
    return _text(base, smart, metadata)


def _document(answer: Answer) -> dict[str, Any]:
    if answer.status != 200:
        return {}
    try:
        return answer.object()
    except NonConformance:
        return {}


def smart_version(smart: dict[str, Any]) -> str:
    """The SMART version a configuration looks like."""
    if "grant_types_supported" not in smart:
        return "1.0.0"
    return (
        "2.2.0" if "permission-v2" in smart.get("capabilities", []) and smart.get("associated_endpoints") else "2.0.0"
    )


def guides(metadata: dict[str, Any]) -> list[str]:
    """Guides a CapabilityStatement names with their version: by implementationGuide, or by profiles that carry one."""
    named = [str(one) for one in [*metadata.get("implementationGuide", []), *metadata.get("instantiates", [])]]
    for rest in metadata.get("rest", []):
        for resource in rest.get("resource", []):
            named += [str(one) for one in [*resource.get("supportedProfile", []), resource.get("profile", "")]]
    found: dict[str, str] = {}
    for canonical in named:
        address, _, version = canonical.partition("|")
        for prefix, name in sorted(GUIDES, key=lambda pair: -len(pair[0])):
            if address.startswith(prefix):
                found[name] = version or found.get(name, "")
                break
    return [f"{name}@{version}" if version else name for name, version in found.items()]


def _text(base: str, smart: dict[str, Any], metadata: dict[str, Any]) -> str:
    offered = [str(one) for one in smart.get("scopes_supported", [])]
    capabilities = smart.get("capabilities", [])
    scopes = [scope for scope in WANTED_SCOPES if not offered or scope in offered]
    scopes.append("patient/*.rs" if "patient/*.rs" in offered and "patient/*.read" not in offered else "patient/*.read")
    named = guides(metadata)
    lines = [
        f"# Drafted from {base}. What only the owner of the server knows is marked FILL IN; docs/architecture.md explains every key.",
        f"name = {_string((metadata.get('implementation') or {}).get('description') or metadata.get('name') or 'FILL IN')}",
        "",
        "[server]",
        f"fhir_base = {_string(base)}",
        '# directory_base = "FILL IN"',
        '# formulary_base = "FILL IN"',
        '# documentation_url = "FILL IN: the page for developers"',
        '# education_url = "FILL IN: the page for members"',
        '# portal_url = "FILL IN: where a member sees which apps have access"',
        'payer_type = "medicaid-managed-care"    # FILL IN: ma | medicaid-ffs | chip-ffs | medicaid-managed-care | chip-managed-care | qhp',
        "rating_period_start = 2026-07-01        # FILL IN",
        f"guides = [{', '.join(map(_string, named))}]"
        + ("" if all("@" in one for one in named) and named else "    # FILL IN versions: us-core@3.1.1 …"),
        f"smart = {_string(smart_version(smart))}",
        "",
    ]
    for capability, kind, secret in CLIENT_KINDS:
        if capability in capabilities or (not capabilities and kind == "public"):
            lines += ["[[client]]", f"name = {_string(kind)}", f"type = {_string(kind)}", 'client_id = "FILL IN"']
            lines += [
                *([secret] if secret else []),
                'redirect_uri = "http://127.0.0.1:8765/callback"',
                f"scopes = {_string(' '.join(scopes))}",
                "",
            ]
    lines += [
        *(
            "[[member]]",
            'label = "first"',
            'username = "FILL IN"',
            'password_env = "FIRST_PASSWORD"',
            '# patient = "FILL IN: id"',
            "",
        ),
        *(
            "[[member]]",
            'label = "second"',
            'username = "FILL IN"',
            'password_env = "SECOND_PASSWORD"',
            '# patient = "FILL IN: id"',
            "",
        ),
        "[login]",
        "# plain_forms = true    # when the pages work without scripts: replays the recipe over HTTP where no browser is judged",
        "[[login.step]]",
        'do = "fill"',
        'at = "input[name=username]"    # FILL IN',
        'value = "{username}"',
        "[[login.step]]",
        'do = "fill"',
        'at = "input[type=password]"',
        'value = "{password}"',
        "[[login.step]]",
        'do = "click"',
        'at = "button[type=submit]"',
        "[[login.step]]",
        'do = "approve"',
        'at = "FILL IN: the approving button"',
        "[[login.step]]",
        'do = "deny"',
        'at = "FILL IN: the declining button"',
        "",
        "[permitted]",
        "load = false",
        "writes = false",
        "negative_logins = false",
        "",
    ]
    return "\n".join(lines)


def _string(text: object) -> str:
    return json.dumps(str(text), ensure_ascii=False)
