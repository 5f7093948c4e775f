import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, describe, it } from 'node:test'
import { inspect } from 'node:util'
import { Failure } from '../../../src/errors.ts'
import type { EntraIdentity } from '../../../src/providers/auth/identity.ts'
import { Secret } from '../../../src/secret.ts'
import {
  bench,
  credentialOf,
  endpointAt,
  type Heard,
  json,
  outgoingTo,
  PROVIDER,
  type StandIn,
  standIn
} from './support.ts'

const SCOPE = 'https://ai.azure.com/.default'
const folder = mkdtempSync(path.join(tmpdir(), 'gatehouse-entra-'))
const { signers, clock, close } = bench()
let entra: StandIn
let tokens = 0
let credentials = 0

/** Entra's token endpoint, App Service's and a machine's metadata service, as their references have them. */
function answer(
  { method, url, headers, form }: Heard,
  response: Parameters<Parameters<typeof standIn>[0]>[1]
): unknown {
  const { pathname, searchParams } = new URL(url, 'http://x')
  const give = (more: object) => json(response, 200, { token_type: 'Bearer', access_token: `tok-${++tokens}`, ...more })
  if (method === 'POST' && pathname === '/tenant-1/oauth2/v2.0/token') {
    const isClient = form.get('client_id') === 'client-1' && form.get('grant_type') === 'client_credentials'
    const isProven =
      form.get('client_secret') === 'client-secret-1' ||
      (form.get('client_assertion') === 'cluster-token' &&
        form.get('client_assertion_type') === 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer')
    if (isClient && isProven && form.get('scope') === SCOPE) return give({ expires_in: 3_599 })
    return json(response, 401, {
      error: 'invalid_client',
      error_description: `AADSTS7000215: Invalid client secret provided: ${form.get('client_secret')}`
    })
  }
  const isResource = searchParams.get('resource') === 'https://ai.azure.com'
  if (pathname === '/metadata/identity/oauth2/token' && headers.metadata === 'true' && isResource)
    return give({ expires_in: '86399' })
  if (pathname === '/msi/token' && headers['x-identity-header'] === 'app-header' && isResource)
    return give({ expires_on: String(Math.floor(clock.wall / 1_000) + 7_200) })
  json(response, 400, { error: 'invalid_request' })
}

before(async () => {
  entra = await standIn(answer)
})
after(async () => {
  await close()
  await entra.close()
  rmSync(folder, { recursive: true })
})

function caller(identity: Partial<EntraIdentity>) {
  const credential = credentialOf(
    {
      kind: 'entra',
      authority: entra.url,
      tenantId: 'tenant-1',
      clientId: 'client-1',
      managed: { url: `${entra.url}/metadata/identity/oauth2/token` },
      ...identity
    },
    `key${++credentials}`
  )
  const endpoint = endpointAt('https://r.openai.azure.com/openai/v1', 'api-key', { scope: SCOPE })
  return {
    ask: () => signers.authorize(PROVIDER, endpoint, credential, outgoingTo('https://r.openai.azure.com')),
    refused: () => signers.refused(PROVIDER, endpoint, credential)
  }
}

describe('tokens of Entra', () => {
  it('are had with a client’s secret, once for fifty calls, and sent as bearer token where a key would be another', async () => {
    const { ask } = caller({ clientSecret: new Secret('client-secret-1') })
    const before = entra.heard.length
    const all = await Promise.all(Array.from({ length: 50 }, ask))
    assert.equal(entra.heard.length, before + 1)
    assert.match(all[0]!.join(' '), /^authorization Bearer tok-\d+$/)
    for (const each of all) assert.deepEqual(each, all[0])
    assert.deepEqual(ask(), all[0], 'and now at once')
  })

  it('are renewed in their last minutes without anybody waiting, and given up when refused', async () => {
    const { ask, refused } = caller({ clientSecret: new Secret('client-secret-1') })
    const first = await ask()
    clock.pass(3_599_000 - 299_000)
    assert.deepEqual(ask(), first)
    let next = ask()
    for (let turn = 0; turn < 1_000 && String(next) === String(first); turn++) {
      await new Promise(setImmediate)
      next = ask()
    }
    assert.ok(Array.isArray(next) && next[1] !== first[1])
    assert.equal(refused(), true)
    const renewed = await ask()
    assert.notEqual(renewed[1], next[1])
    assert.equal(refused(), true, 'a call that was under way with the one before')
    assert.deepEqual(ask(), renewed)
  })

  it('are had with a token of the cluster, read from its file each time', async () => {
    const federatedTokenFile = path.join(folder, 'token')
    writeFileSync(federatedTokenFile, 'cluster-token\n')
    const { ask } = caller({ federatedTokenFile })
    assert.match((await ask())[1]!, /^Bearer tok-/)
    rmSync(federatedTokenFile)
    clock.pass(3_600_000)
    await assert.rejects(async () => ask(), /token file .* cannot be read/)
  })

  it('are had as a machine and as an App Service', async () => {
    const machine = caller({ clientId: undefined })
    assert.match((await machine.ask())[1]!, /^Bearer tok-/)
    clock.pass(80_000_000)
    assert.ok(Array.isArray(machine.ask()), 'it lives a day')
    const app = caller({ managed: { url: `${entra.url}/msi/token`, header: new Secret('app-header') } })
    assert.match((await app.ask())[1]!, /^Bearer tok-/)
    clock.pass(7_200_000)
    assert.ok(app.ask() instanceof Promise)
  })

  it('that cannot be had say which credential it was and what Entra called it, and no secret', async () => {
    const { ask } = caller({ clientSecret: new Secret('a-wrong-secret') })
    await assert.rejects(
      async () => ask(),
      (thrown: unknown) => {
        assert.ok(thrown instanceof Failure)
        assert.equal(thrown.kind, 'our_credential')
        assert.equal(thrown.status, 502)
        assert.match(
          thrown.message,
          /config providers\.lab\.keys\[0\].*Entra answered with status 401 \(invalid_client\)/
        )
        assert.doesNotMatch(inspect(thrown, { depth: 9 }), /a-wrong-secret/)
        return true
      }
    )
    const away = caller({ clientSecret: new Secret('x'), authority: 'http://127.0.0.1:1' })
    await assert.rejects(
      async () => away.ask(),
      (thrown: unknown) => (thrown as Failure).kind === 'our_credential'
    )
  })
})
