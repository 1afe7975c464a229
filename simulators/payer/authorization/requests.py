"""A token request in authlib's terms, and the client it comes from."""

from __future__ import annotations

from authlib.oauth2.rfc6749 import OAuth2Payload, OAuth2Request

from simulators.payer.authorization.clients import authenticate_client
from simulators.payer.authorization.errors import UnauthorizedClient
from simulators.payer.authorization.parameters import Parameters
from simulators.payer.authorization.records import Client
from simulators.payer.authorization.server import Server
from simulators.payer.protection import limits


class TokenRequest(OAuth2Request):  # type: ignore[misc]
    """One token request in authlib's terms, with what ours needs beside it."""

    def __init__(self, server: Server, parameters: Parameters, authorization: str | None) -> None:
        super().__init__("POST", server.endpoint("token"))
        self.server, self.parameters, self.authorization = server, parameters, authorization
        self.payload = Payload(parameters)

    @property
    def form(self) -> dict[str, str]:
        """The form as authlib's dispatch reads it."""
        return dict(self.parameters.values)


class Payload(OAuth2Payload):  # type: ignore[misc]
    """The parameters as authlib reads them."""

    def __init__(self, parameters: Parameters) -> None:
        self.parameters = parameters

    @property
    def data(self) -> dict[str, str]:
        return dict(self.parameters.values)

    @property
    def datalist(self) -> dict[str, list[str]]:
        return {name: [value] for name, value in self.parameters.values.items()}


def client_for(request: TokenRequest, grant_type: str) -> Client:
    client = authenticate_client(request.server, request.authorization, request.parameters)
    limits.token_request(request.server.payer, client.client_id)
    if grant_type not in client.grant_types:
        raise UnauthorizedClient(f"this app is not registered for {grant_type}")
    return client
