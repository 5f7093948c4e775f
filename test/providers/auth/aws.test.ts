import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, afterEach, describe, it } from 'node:test'
import { inspect } from 'node:util'
import { Failure } from '../../../src/errors.ts'
import type { AwsIdentity } from '../../../src/providers/auth/identity.ts'
import { Secret } from '../../../src/secret.ts'
import {
  asHeaders,
  bench,
  credentialOf,
  endpointAt,
  json,
  outgoingTo,
  PROVIDER,
  type Signed,
  type StandIn,
  signedFrom,
  sigV4Fault,
  standIn
} from './support.ts'

const SECRETS: Record<string, string> = { AKIDEXAMPLE: 'own-secret-key', ASIAROLE: 'role-secret-key' }
const KEYS = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: new Secret('own-secret-key') }
const AUDIENCE = { service: 'bedrock', region: 'eu-west-1' }
const folder = mkdtempSync(path.join(tmpdir(), 'gatehouse-aws-'))
const { signers, clock, close } = bench()
const open: StandIn[] = []

afterEach(async () => {
  for (const each of open.splice(0)) await each.close()
})
after(async () => {
  await close()
  rmSync(folder, { recursive: true })
})

async function serve(...args: Parameters<typeof standIn>): Promise<StandIn> {
  const server = await standIn(...args)
  open.push(server)
  return server
}

function fault(signed: Signed, service = 'bedrock', nowMs = clock.wall): string | undefined {
  return sigV4Fault(signed, { secretOf: id => SECRETS[id], service, region: 'eu-west-1', nowMs })
}

let credentials = 0
/** Signs for an identity that no test before has used. */
async function sign(identity: Omit<AwsIdentity, 'kind'>, outgoing = outgoingTo('https://bedrock.test')) {
  const credential = credentialOf({ kind: 'aws', ...identity }, `key${++credentials}`)
  const endpoint = endpointAt(outgoing.origin, 'aws', AUDIENCE)
  const again = () => signers.authorize(PROVIDER, endpoint, credential, outgoing) as Promise<string[]>
  return { pairs: await again(), again, refused: () => signers.refused(PROVIDER, endpoint, credential) }
}

/** STS as its reference has it: it checks who asks, and answers in XML. */
function sts(seen: string[] = []): Promise<StandIn> {
  return serve((request, response) => {
    const { form } = request
    const action = form.get('Action') ?? ''
    seen.push(action)
    const isKnown =
      action === 'AssumeRoleWithWebIdentity'
        ? form.get('WebIdentityToken') === 'cluster-token' && request.headers.authorization === undefined
        : fault(request, 'sts') === undefined && form.get('ExternalId') === 'customer-7'
    if (!isKnown || form.get('RoleArn') !== 'arn:aws:iam::1:role/gate') {
      const error = `<ErrorResponse><Error><Code>AccessDenied</Code><Message>not ${action} by AKIDEXAMPLE</Message></Error></ErrorResponse>`
      response.writeHead(403, { 'content-type': 'text/xml' }).end(error)
      return
    }
    const expiration = new Date(clock.wall + 3_600_000).toISOString()
    response.writeHead(200, { 'content-type': 'text/xml' }).end(`<${action}Response><${action}Result><Credentials>
      <AccessKeyId>ASIAROLE</AccessKeyId><SecretAccessKey>role-secret-key</SecretAccessKey>
      <SessionToken>session/token+1==</SessionToken><Expiration>${expiration}</Expiration>
      </Credentials></${action}Result></${action}Response>`)
  })
}

describe('AWS signatures', () => {
  const requests = [
    ['a plain path', outgoingTo('https://bedrock-runtime.eu-west-1.amazonaws.com', '/model/m/converse')],
    [
      'a name with escapes',
      outgoingTo('https://bedrock.test', '/model/arn%3Aaws%3Abedrock%3Aeu-west-1%3A1%3Aprofile%2Fx/invoke')
    ],
    ['a port and a query', outgoingTo('http://127.0.0.1:8080', '/a/b?z=1&a=2')],
    ['a large body', outgoingTo('https://bedrock.test', '/v1', 'ä'.repeat(300_000))]
  ] as const
  for (const [title, outgoing] of requests) {
    it(`hold for ${title}`, async () => {
      const { pairs } = await sign({ keys: KEYS }, outgoing)
      assert.equal(fault(signedFrom(outgoing, pairs)), undefined)
    })
  }

  it('hold for nothing else: another body, path, host, day, region or secret', async () => {
    const outgoing = outgoingTo('https://bedrock.test', '/model/m/converse')
    const signed = signedFrom(outgoing, (await sign({ keys: KEYS }, outgoing)).pairs)
    assert.equal(fault(signed), undefined)
    assert.match(fault({ ...signed, body: '{"x":2}' })!, /body/)
    assert.match(fault({ ...signed, url: '/model/n/converse' })!, /Invalid/)
    assert.match(fault({ ...signed, headers: { ...signed.headers, host: 'evil.test' } })!, /Invalid/)
    assert.match(fault(signed, 'bedrock', clock.wall + 301_000)!, /expired/)
    assert.match(fault(signed, 'sts')!, /scope/)
    const wrong = await sign({ keys: { ...KEYS, secretAccessKey: new Secret('another') } }, outgoing)
    assert.match(fault(signedFrom(outgoing, wrong.pairs))!, /Invalid/)
  })

  it('carry a session token, signed with the rest', async () => {
    const outgoing = outgoingTo('https://bedrock.test')
    const { pairs } = await sign({ keys: { ...KEYS, sessionToken: new Secret('tok') } }, outgoing)
    assert.equal(asHeaders(pairs)['x-amz-security-token'], 'tok')
    assert.equal(fault(signedFrom(outgoing, pairs)), undefined)
  })

  it('are for the region in the address where nobody says one, and else there is none', async () => {
    const credential = credentialOf({ kind: 'aws', keys: KEYS })
    const at = (origin: string) =>
      signers.authorize(PROVIDER, endpointAt(origin, 'aws'), credential, outgoingTo(origin)) as Promise<string[]>
    const pairs = await at('https://bedrock-runtime.eu-west-1.amazonaws.com')
    assert.match(asHeaders(pairs).authorization!, /\/eu-west-1\/bedrock\//)
    await assert.rejects(at('https://bedrock.test'), /region/)
  })

  it('follow the service’s clock once it has refused ours', async () => {
    const aheadMs = 3_600_000
    const bedrock = await serve((_, response) => {
      response.sendDate = false
      response.writeHead(404, { date: new Date(clock.wall + aheadMs).toUTCString() }).end()
    })
    const outgoing = outgoingTo(bedrock.url)
    const { pairs, again, refused } = await sign({ keys: KEYS }, outgoing)
    assert.match(fault(signedFrom(outgoing, pairs), 'bedrock', clock.wall + aheadMs)!, /expired/)
    assert.equal(refused(), true)
    assert.equal(fault(signedFrom(outgoing, await again()), 'bedrock', clock.wall + aheadMs), undefined)
    for (let call = 0; call < 20; call++) refused()
    await again()
    assert.equal(bedrock.heard.length, 1, 'it is not asked at every refusal')
    clock.pass(15_000)
    assert.equal(refused(), false, 'neither the time nor the keys were wrong')
  })
})

describe('AWS roles', () => {
  const role = { arn: 'arn:aws:iam::1:role/gate', sessionName: 'gatehouse' }

  it('are taken with keys, once for all calls of an hour, and again before it is over', async () => {
    const seen: string[] = []
    const stsUrl = (await sts(seen)).url
    const outgoing = outgoingTo('https://bedrock.test')
    const { pairs, again } = await sign({ keys: KEYS, role: { ...role, externalId: 'customer-7' }, stsUrl }, outgoing)
    assert.equal(fault(signedFrom(outgoing, pairs)), undefined)
    assert.equal(asHeaders(pairs)['x-amz-security-token'], 'session/token+1==')
    await Promise.all(Array.from({ length: 50 }, again))
    assert.deepEqual(seen, ['AssumeRole'])
    clock.pass(3_500_000)
    await Promise.all(Array.from({ length: 50 }, again))
    while (seen.length < 2) await new Promise(setImmediate)
    assert.equal(fault(signedFrom(outgoing, await again())), undefined)
    assert.equal(seen.length, 2)
  })

  it('are taken with a web identity, whose file is read each time', async () => {
    const webIdentityTokenFile = path.join(folder, 'token')
    writeFileSync(webIdentityTokenFile, 'cluster-token\n')
    const stsUrl = (await sts()).url
    const outgoing = outgoingTo('https://bedrock.test')
    const { pairs, again } = await sign({ role: { ...role, webIdentityTokenFile }, stsUrl }, outgoing)
    assert.equal(fault(signedFrom(outgoing, pairs)), undefined)
    writeFileSync(webIdentityTokenFile, 'stale')
    clock.pass(3_600_001)
    await assert.rejects(again(), /AccessDenied/)
  })

  it('that are refused say so, with AWS’s own words for the log alone', async () => {
    const stsUrl = (await sts()).url
    await assert.rejects(sign({ keys: KEYS, role, stsUrl }), (thrown: unknown) => {
      assert.ok(thrown instanceof Failure)
      assert.equal(thrown.kind, 'our_credential')
      assert.match(thrown.message, /^lab .*config providers\.lab\.keys\[0\].*AccessDenied/)
      assert.doesNotMatch(thrown.message, /AKID/)
      assert.match((thrown.cause as Failure).message, /not AssumeRole/)
      assert.doesNotMatch(inspect(thrown, { depth: 9 }), /own-secret-key/)
      return true
    })
    await assert.rejects(
      sign({ role: { ...role, webIdentityTokenFile: path.join(folder, 'none') }, stsUrl }),
      /token file .*none cannot be read/
    )
  })
})

describe('AWS’s own chain', () => {
  const before = { ...process.env }
  afterEach(() => {
    for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) delete process.env[name]
    Object.assign(process.env, before)
  })

  /** The environment of a machine that has nothing but this. */
  function only(env: Record<string, string>): void {
    for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) delete process.env[name]
    const none = path.join(folder, 'no-such-file')
    Object.assign(process.env, { AWS_CONFIG_FILE: none, AWS_SHARED_CREDENTIALS_FILE: none, ...env })
  }
  const given = () => ({
    AccessKeyId: 'ASIAROLE',
    SecretAccessKey: 'role-secret-key',
    Token: 'tok',
    Expiration: new Date(Date.now() + 6 * 3_600_000).toISOString(),
    Code: 'Success'
  })

  it('finds a container’s credentials', async () => {
    const container = await serve((_, response) => json(response, 200, given()))
    only({ AWS_CONTAINER_CREDENTIALS_FULL_URI: `${container.url}/creds` })
    const outgoing = outgoingTo('https://bedrock.test')
    const { pairs, again } = await sign({}, outgoing)
    assert.equal(fault(signedFrom(outgoing, pairs)), undefined)
    await Promise.all(Array.from({ length: 50 }, again))
    assert.equal(container.heard.length, 1)
  })

  it('finds an instance’s, by version 2 of its metadata service', async () => {
    const imds = await serve((request, response) => {
      if (request.method === 'PUT') return response.end('session')
      if (request.headers['x-aws-ec2-metadata-token'] !== 'session') return response.writeHead(401).end()
      if (request.url.endsWith('/security-credentials/')) return response.end('gate-role')
      json(response, 200, given())
    })
    only({ AWS_EC2_METADATA_SERVICE_ENDPOINT: imds.url })
    const outgoing = outgoingTo('https://bedrock.test')
    assert.equal(fault(signedFrom(outgoing, (await sign({}, outgoing)).pairs)), undefined)
  })

  it('finds a profile', async () => {
    const file = path.join(folder, 'credentials')
    writeFileSync(file, '[gate]\naws_access_key_id = AKIDEXAMPLE\naws_secret_access_key = own-secret-key\n')
    only({ AWS_SHARED_CREDENTIALS_FILE: file })
    const outgoing = outgoingTo('https://bedrock.test')
    assert.equal(fault(signedFrom(outgoing, (await sign({ profile: 'gate' }, outgoing)).pairs)), undefined)
  })

  it('may find nothing', async () => {
    only({ AWS_EC2_METADATA_DISABLED: 'true' })
    await assert.rejects(
      sign({}),
      (thrown: unknown) => thrown instanceof Failure && thrown.kind === 'our_credential' && /lab/.test(thrown.message)
    )
  })
})
