import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, describe, it } from 'node:test'
import { inspect } from 'node:util'
import { Failure } from '../../../src/errors.ts'
import type { GoogleIdentity } from '../../../src/providers/auth/identity.ts'
import { Secret } from '../../../src/secret.ts'
import {
  asHeaders,
  assertionFault,
  bench,
  credentialOf,
  endpointAt,
  type Heard,
  json,
  outgoingTo,
  PROVIDER,
  type ServiceAccount,
  type StandIn,
  serviceAccount,
  standIn
} from './support.ts'

const SCOPE = 'https://www.googleapis.com/auth/cloud-platform'
const JWT_BEARER = 'urn:ietf:params:oauth:grant-type:jwt-bearer'
const TOKEN_EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange'
const folder = mkdtempSync(path.join(tmpdir(), 'gatehouse-google-'))
const { signers, clock, close } = bench()
let google: StandIn
let account: ServiceAccount
let tokens = 0
let credentials = 0

/** Google's token endpoints: for assertions of service accounts, refresh tokens of people, and federation. */
function answer({ url, form, headers }: Heard, response: Parameters<Parameters<typeof standIn>[0]>[1]): unknown {
  const give = (more: object = {}) =>
    json(response, 200, { access_token: `ya29.tok-${++tokens}`, expires_in: 3_600, token_type: 'Bearer', ...more })
  const refuse = (why: string) => json(response, 400, { error: 'invalid_grant', error_description: why })
  if (url === '/sts') {
    const isGood = form.get('grantType') ?? form.get('grant_type')
    return isGood === TOKEN_EXCHANGE && form.get('subject_token') === 'cluster-token'
      ? give({ issued_token_type: 'urn:ietf:params:oauth:token-type:access_token' })
      : refuse('no such subject')
  }
  if (url !== '/token') return json(response, 404, {})
  if (form.get('grant_type') === 'refresh_token')
    return form.get('refresh_token') === 'refresh-1' && headers['content-type']?.includes('urlencoded')
      ? give()
      : refuse('Token has been expired or revoked.')
  const fault = assertionFault(form.get('assertion') ?? '', account.publicKey, `${google.url}/token`)
  return form.get('grant_type') === JWT_BEARER && fault === undefined ? give() : refuse(fault ?? 'wrong grant')
}

before(async () => {
  google = await standIn(answer)
  account = serviceAccount(`${google.url}/token`)
})
after(async () => {
  await close()
  await google.close()
  rmSync(folder, { recursive: true })
})

function caller(identity: Omit<GoogleIdentity, 'kind'>) {
  const credential = credentialOf({ kind: 'google', ...identity }, `key${++credentials}`)
  const endpoint = endpointAt('https://aiplatform.googleapis.com/v1', 'google', { scope: SCOPE })
  const outgoing = outgoingTo('https://aiplatform.googleapis.com')
  return {
    ask: () => signers.authorize(PROVIDER, endpoint, credential, outgoing),
    refused: () => signers.refused(PROVIDER, endpoint, credential)
  }
}

function tokenIn(pairs: string[]): string {
  return /^Bearer (ya29\.tok-\d+)$/.exec(asHeaders(pairs).authorization ?? '')?.[1] ?? ''
}

describe('tokens of Google', () => {
  it('are had with a service account’s signature, once for fifty calls', async () => {
    const { ask, refused } = caller({ credentials: new Secret(account.json) })
    const before = google.heard.length
    const all = await Promise.all(Array.from({ length: 50 }, ask))
    assert.equal(google.heard.length, before + 1)
    assert.notEqual(tokenIn(all[0]!), '')
    assert.deepEqual(ask(), all[0])
    clock.pass(3_600_000)
    const next = await ask()
    assert.notEqual(tokenIn(next), tokenIn(all[0]!), 'an hour later')
    assert.equal(refused(), true)
    assert.notEqual(tokenIn(await ask()), tokenIn(next), 'and when it was revoked')
  })

  it('are had from a file, read each time', async () => {
    const file = path.join(folder, 'account.json')
    writeFileSync(file, account.json)
    const { ask } = caller({ file })
    assert.notEqual(tokenIn(await ask()), '')
    writeFileSync(file, 'no json')
    clock.pass(3_600_000)
    await assert.rejects(async () => ask(), /file .*account\.json is no JSON of Google/)
  })

  it('are had with a person’s credentials, and name the project that pays', async () => {
    const user = {
      type: 'authorized_user',
      client_id: 'c',
      client_secret: 's',
      refresh_token: 'refresh-1',
      quota_project_id: 'payer',
      token_uri: `${google.url}/token`
    }
    const headers = asHeaders(await caller({ credentials: new Secret(JSON.stringify(user)) }).ask())
    assert.match(headers.authorization!, /^Bearer ya29/)
    assert.equal(headers['x-goog-user-project'], 'payer')
  })

  it('are had by workload federation', async () => {
    const file = path.join(folder, 'subject')
    writeFileSync(file, 'cluster-token')
    const federation = {
      type: 'external_account',
      audience: '//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/q',
      subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
      token_url: `${google.url}/sts`,
      credential_source: { file }
    }
    assert.notEqual(tokenIn(await caller({ credentials: new Secret(JSON.stringify(federation)) }).ask()), '')
  })

  it('that cannot be had say which credential it was, and neither key nor assertion', async () => {
    const other = serviceAccount(`${google.url}/token`)
    const { ask } = caller({ credentials: new Secret(other.json) })
    await assert.rejects(
      async () => ask(),
      (thrown: unknown) => {
        assert.ok(thrown instanceof Failure)
        assert.equal(thrown.kind, 'our_credential')
        assert.match(thrown.message, /^lab .*config providers\.lab\.keys\[0\]/)
        const shown = inspect(thrown, { depth: 9 }) + JSON.stringify(thrown)
        assert.doesNotMatch(shown, /PRIVATE KEY|eyJ/)
        assert.match(thrown.message, /Google answered with status 400 \(invalid_grant\)/)
        assert.equal((thrown.cause as Failure).message, 'wrong signature')
        return true
      }
    )
    for (const [text, why] of [
      ['{"type":"service_account"}', /lab/],
      ['-----BEGIN', /no JSON/]
    ] as const) {
      const { ask: asked } = caller({ credentials: new Secret(text) })
      await assert.rejects(async () => asked(), why)
    }
  })
})
