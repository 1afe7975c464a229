"""npm's oidc-provider, installed from its lock into build/npm, started on a free port, and the target file that judges it."""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from joserfc.jwk import ECKey

from tests.contract.test_through_a_proxy import free_port

HERE = Path(__file__).parent / "oidc_provider"
BUILT = Path(__file__).parents[2] / "build" / "npm" / "oidc-provider"
REDIRECT = "http://127.0.0.1:8766/callback"
SCOPES = "openid fhirUser launch/patient offline_access patient/*.read"
LOGIN = """
[login]
plain_forms = true
[[login.step]]
do = "fill"
at = "input[name=login]"
value = "{username}"
[[login.step]]
do = "fill"
at = "input[name=password]"
value = "{password}"
[[login.step]]
do = "click"
at = "button:has-text('Sign-in')"
[[login.step]]
do = "approve"
at = "button:has-text('Continue')"
[[login.step]]
do = "deny"
at = "a[href*='/abort']"
"""


def installed() -> Path:
    """The folder of the server with its packages; skips where npm or the packages are not to be had."""
    npm, node = shutil.which("npm"), shutil.which("node")
    if npm is None or node is None:
        pytest.skip("npm and node are not installed")
    lock = (HERE / "package-lock.json").read_text("utf-8")
    if not (BUILT / "installed").exists() or (BUILT / "installed").read_text("utf-8") != lock:
        shutil.rmtree(BUILT, ignore_errors=True)
        BUILT.mkdir(parents=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(HERE / name, BUILT / name)
        words = [npm, "ci", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", str(BUILT)]
        done = subprocess.run(words, capture_output=True, text=True, timeout=180, check=False)
        if done.returncode:
            pytest.skip(f"npm cannot install oidc-provider: {done.stderr.strip()[-200:]}")
        (BUILT / "installed").write_text(lock, "utf-8")
    shutil.copy(HERE / "server.mjs", BUILT / "server.mjs")
    return BUILT


def registrations(folder: Path) -> list[dict[str, object]]:
    """The project's app at the provider: public, with a secret, with a key; the key goes into a file for the target."""
    key = ECKey.generate_key("P-384", parameters={"kid": "conformance", "use": "sig", "alg": "ES384"})
    (folder / "key.json").write_text(json.dumps(key.as_dict(private=True)), "utf-8")
    common: dict[str, object] = {
        "redirect_uris": [REDIRECT],
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "application_type": "native",
        "scope": f"{SCOPES} patient/Patient.read patient/Condition.read",
    }
    return [
        {"client_id": "public", "token_endpoint_auth_method": "none", **common},
        {
            "client_id": "secret",
            "client_secret": "a-secret-of-the-conformance-suite-only",
            "token_endpoint_auth_method": "client_secret_basic",
            **common,
        },
        {
            "client_id": "key",
            "token_endpoint_auth_method": "private_key_jwt",
            "token_endpoint_auth_signing_alg": "ES384",
            "jwks": {"keys": [key.as_dict(private=False)]},
            **common,
        },
    ]


def target_file(folder: Path, port: int) -> Path:
    """The target file of the running provider."""
    clients = "".join(
        f'\n[[client]]\nname = "{name}"\ntype = "{kind}"\nclient_id = "{name}"\nredirect_uri = "{REDIRECT}"\nscopes = "{SCOPES}"\n{more}'
        for name, kind, more in (
            ("public", "public", ""),
            ("secret", "confidential-symmetric", 'client_secret = "a-secret-of-the-conformance-suite-only"\n'),
            (
                "key",
                "confidential-asymmetric",
                'private_key_file = "key.json"\nkey_id = "conformance"\nalgorithm = "ES384"\n',
            ),
        )
    )
    members = "".join(
        f'\n[[member]]\nlabel = "{name}"\nusername = "{name}"\npassword = "any"\npatient = "{name}"\n'
        for name in ("first", "second", "third")
    )
    path = folder / "target.toml"
    path.write_text(
        f'name = "oidc-provider"\n[server]\nfhir_base = "http://127.0.0.1:{port}/fhir"\nsmart = "2.0.0"\n{clients}{members}{LOGIN}'
        "\n[permitted]\nnegative_logins = true\nregistration = true\n",
        encoding="utf-8",
    )
    return path


@contextlib.contextmanager
def running(folder: Path) -> Iterator[Path]:
    """The provider, started and stopped; gives its target file."""
    built, port = installed(), free_port()
    registered = folder / "clients.json"
    registered.write_text(json.dumps(registrations(folder)), "utf-8")
    log = (folder / "provider.log").open("w+", encoding="utf-8")
    words = [str(shutil.which("node")), "server.mjs", str(port), str(registered)]
    child = subprocess.Popen(words, cwd=built, stdout=subprocess.PIPE, stderr=log, text=True)
    try:
        assert child.stdout is not None
        said = child.stdout.readline()
        log.seek(0)
        assert said == "ready\n", log.read()[-2000:]
        yield target_file(folder, port)
    finally:
        child.terminate()
        child.wait(timeout=20)
        log.close()
