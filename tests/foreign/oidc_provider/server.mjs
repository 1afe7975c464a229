// The certified OpenID provider of npm (oidc-provider) with its own login and consent pages, and as little SMART beside it as a launch
// needs: the discovery document, the patient in the token response, one Patient behind the access token. Started by
// tests/servers/test_foreign_authorization_server.py with a port and the clients' registrations; nothing here answers for the provider.

import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';

import Provider from 'oidc-provider';

const [port, registrations] = process.argv.slice(2);
const base = `http://127.0.0.1:${port}`;
const fhir = `${base}/fhir`;

const provider = new Provider(base, {
  clients: JSON.parse(readFileSync(registrations, 'utf-8')),
  scopes: ['openid', 'offline_access', 'fhirUser', 'launch/patient', 'patient/*.read', 'patient/Patient.read', 'patient/Condition.read'],
  claims: { openid: ['sub'], fhirUser: ['fhirUser'] },
  conformIdTokenClaims: false,
  clientAuthMethods: ['none', 'client_secret_basic', 'client_secret_post', 'private_key_jwt'],
  features: {
    devInteractions: { enabled: true },
    introspection: { enabled: true },
    revocation: { enabled: true },
    registration: { enabled: true },
    registrationManagement: { enabled: true },
  },
  findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id, fhirUser: `${fhir}/Patient/${id}` }) }),
  pkce: { required: () => true },
  enabledJWA: { clientAuthSigningAlgValues: ['RS384', 'ES384'] },
});

provider.use(async (ctx, next) => {
  // This provider gives offline_access with prompt=consent only; SMART apps do not send it.
  if (ctx.path === '/auth' && `${ctx.query.scope}`.includes('offline_access') && !ctx.query.prompt) {
    ctx.query = { ...ctx.query, prompt: 'consent' };
  }
  await next();
  if (ctx.path === '/token' && ctx.status === 200 && ctx.body?.access_token) {
    const token = await provider.AccessToken.find(ctx.body.access_token);
    if (token) ctx.body = { ...ctx.body, patient: token.accountId };
  }
});

const SHARED = [
  'issuer', 'jwks_uri', 'authorization_endpoint', 'token_endpoint', 'introspection_endpoint', 'revocation_endpoint', 'registration_endpoint',
  'scopes_supported', 'response_types_supported', 'grant_types_supported', 'code_challenge_methods_supported',
  'token_endpoint_auth_methods_supported',
];

async function smartConfiguration() {
  const metadata = await (await fetch(`${base}/.well-known/openid-configuration`)).json();
  const capabilities = [
    'launch-standalone', 'client-public', 'client-confidential-symmetric', 'client-confidential-asymmetric', 'sso-openid-connect',
    'context-standalone-patient', 'permission-offline', 'permission-patient',
  ];
  return { ...Object.fromEntries(SHARED.filter((name) => name in metadata).map((name) => [name, metadata[name]])), capabilities };
}

async function patient(request, id) {
  const [scheme, text] = (request.headers.authorization ?? '').split(' ');
  if (!text) return [401, { 'WWW-Authenticate': 'Bearer' }];
  const token = scheme.toLowerCase() === 'bearer' ? await provider.AccessToken.find(text) : undefined;
  if (!token) return [401, { 'WWW-Authenticate': 'Bearer error="invalid_token"' }];
  if (request.method !== 'GET' && request.method !== 'HEAD') return [405, { Allow: 'GET, HEAD' }];
  if (id === undefined) return [403, {}];
  return id === token.accountId ? [200, {}, { resourceType: 'Patient', id }] : [404, {}];
}

const METADATA = {
  resourceType: 'CapabilityStatement', status: 'active', date: '2026-07-01', kind: 'instance', fhirVersion: '4.0.1', format: ['json'],
  implementation: { description: 'One Patient behind an authorization server under test' },
  rest: [{ mode: 'server', resource: [{ type: 'Patient', interaction: [{ code: 'read' }] }] }],
};

const callback = provider.callback();
createServer(async (request, response) => {
  const { pathname } = new URL(request.url, base);
  if (!pathname.startsWith('/fhir')) return callback(request, response);
  let [status, headers, body] = [404, {}, undefined];
  let type = 'application/fhir+json';
  if (pathname === '/fhir/.well-known/smart-configuration') {
    [status, body, type] = [200, await smartConfiguration(), 'application/json'];
    headers = { 'Cache-Control': 'max-age=60' };
  } else if (pathname === '/fhir/metadata') {
    [status, body] = [200, METADATA];
  } else if (request.method === 'OPTIONS') {
    [status, headers] = [204, { 'Access-Control-Allow-Headers': 'Authorization', 'Access-Control-Allow-Methods': 'GET' }];
  } else {
    [status, headers, body] = await patient(request, pathname.match(/^\/fhir\/Patient\/([^/]+)$/)?.[1]);
  }
  body ??= { resourceType: 'OperationOutcome', issue: [{ severity: 'error', code: status === 401 ? 'login' : 'not-found' }] };
  response.writeHead(status, { 'Content-Type': type, 'Access-Control-Allow-Origin': '*', ...headers });
  return response.end(JSON.stringify(body));
}).listen(Number(port), '127.0.0.1', () => console.log('ready'));
