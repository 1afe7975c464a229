"""What lasts: locks under ten thousand guesses, state through a restart, revocation on every worker, tidying up."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import httpx
from joserfc import jwt
from joserfc.jwk import KeySet

from simulators.payer.authorization.server import of
from simulators.payer.deployment import load
from tests.unit.payer.running import CONTEXT, App, Running, running


def test_ten_thousand_guesses_lock_the_account_and_cost_nothing_else(folder: Path) -> None:
    chosen = load("reference")
    with running(folder, replace(chosen, limits=replace(chosen.limits, logins=1_000_000))) as at:
        app = App(at)
        page = app.next_page(app.authorize())
        for _ in range(5):
            assert app.post(page, username="member1", password="guess").status_code == 401
        locked = app.post(page, username="member1", password="correct horse battery staple")
        assert locked.status_code == 401
        assert "Too many wrong attempts" in locked.text
        other = App(at)
        assert (
            other.post(
                other.next_page(other.authorize()), username="member2", password="correct horse battery staple"
            ).status_code
            == 303
        )
        from simulators.payer.portals import people

        for number in range(10_000):
            people.failed(at.payer, f"guess{number % 50}")
        assert len(at.payer.database.query("SELECT name FROM failures")) <= 60
        at.clock(advance=16 * 60)
        again = App(at)
        assert (
            again.post(
                again.next_page(again.authorize()), username="member1", password="correct horse battery staple"
            ).status_code
            == 303
        )


def test_state_survives_a_restart_and_keys_are_the_owners_alone(folder: Path, tmp_path: Path) -> None:
    database = str(tmp_path / "payer.sqlite")
    with running(folder, database=database) as at:
        tokens = App(at, "confidential-symmetric").tokens()
        client = at.clients["confidential-symmetric"]
        port = at.url.rsplit(":", 1)[1]
    (file,) = (tmp_path / "payer.keys").glob("signing-keys.json")
    assert file.stat().st_mode & 0o777 == 0o600
    with running(folder, database=database) as at:
        answer = httpx.get(
            f"{at.fhir}/Patient/m1", headers={"Authorization": f"Bearer {tokens['access_token']}"}, verify=CONTEXT
        )
        assert answer.status_code == 200
        keys = KeySet.import_key_set(httpx.get(at.at("jwks"), verify=CONTEXT).json())
        assert jwt.decode(tokens["id_token"], keys, algorithms=["RS256"]).claims["aud"] == client["client_id"]
        assert not at.url.endswith(port)


def test_one_workers_revocation_counts_in_another(folder: Path, tmp_path: Path) -> None:
    database = str(tmp_path / "payer.sqlite")
    with running(folder, database=database) as one, running(folder, database=database) as other:
        app = App(one)
        token = app.tokens()["access_token"]
        headers = {"Authorization": f"Bearer {token}"}
        assert httpx.get(f"{other.fhir}/Patient/m1", headers=headers, verify=CONTEXT).status_code == 200
        row = one.payer.database.one("SELECT consent FROM tokens WHERE digest IS NOT NULL ORDER BY issued_at DESC")
        assert row is not None
        of(one.payer).ledger.revoke_consent(row[0], "member", one.payer.clock.timestamp())
        assert httpx.get(f"{other.fhir}/Patient/m1", headers=headers, verify=CONTEXT).status_code == 401
        one.faults("revoked-access-token-accepted")
        assert httpx.get(f"{other.fhir}/Patient/m1", headers=headers, verify=CONTEXT).status_code == 200


def test_what_nobody_can_use_is_dropped_and_the_rest_is_kept(at: Running, app: App) -> None:
    tokens = app.tokens()
    ledger = of(at.payer).ledger
    ledger.drop_expired(at.payer.clock.timestamp() - 86_400)
    assert app.read(tokens["access_token"]).status_code == 200
    ledger.drop_expired(at.payer.clock.timestamp() + 100 * 86_400)
    assert ledger.database.query("SELECT digest FROM tokens") == []
    assert ledger.database.query("SELECT digest FROM codes") == []
