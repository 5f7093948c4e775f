import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, test } from 'node:test'
import { makeToken } from '../../src/access/tokens.ts'
import { check } from '../../src/guards/checks/secrets.ts'
import type { Place } from '../../src/guards/guard.ts'
import { framesOf, guardingOf, guardOf, heard, Playing, through } from './kit.ts'

const place: Place = { side: 'request', role: 'user', kind: 'text', path: 'messages[0].content' }
const secrets = check.create({ except: [] })
const found = (text: string, by = secrets) =>
  by.find!(text, place).map(({ rule, start, end }) => [rule.replace('secrets.', ''), text.slice(start, end)])

/** The same "random" characters in every run: a walk through an alphabet. */
const walk = (alphabet: string, length: number, step = 7) =>
  Array.from({ length }, (_, at) => alphabet[(at * step + ((at * at) % 11)) % alphabet.length]).join('')
const ALNUM = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const HEX = '0123456789abcdef'
const base32 = walk('ABCDEFGHIJKLMNOPQRSTUVWXYZ234567', 16)
const token = (length: number) => walk(ALNUM, length)

// Put together here, so that no scanner of repositories takes the file for a leak.
const KEYS: readonly (readonly [string, string])[] = [
  ['anthropic_key', `sk-ant-${'api03'}-${token(48)}`],
  ['openai_key', `sk-${'proj'}-${token(48)}`],
  ['provider_key', `sk-${token(48)}`],
  ['provider_key', `gsk_${token(52)}`],
  ['google_key', `AIza${token(35)}`],
  ['aws_key', `AKIA${base32}`],
  ['azure_key', `AccountKey=${token(86)}==`],
  ['github_token', `ghp_${token(36)}`],
  ['github_token', `github_pat_${token(60)}`],
  ['gitlab_token', `glpat-${token(20)}`],
  ['slack_token', `xoxb-${walk('0123456789', 12)}-${token(24)}`],
  ['slack_token', `hooks.slack.com/services/T${base32.slice(0, 8)}/B${base32.slice(0, 8)}/${token(24)}`],
  ['stripe_key', `sk_live_${token(24)}`],
  ['npm_token', `npm_${token(36)}`],
  ['hugging_face_token', `hf_${token(34)}`],
  ['twilio_key', `SK${walk(HEX, 32)}`],
  ['sendgrid_key', `SG.${token(22)}.${token(43)}`],
  ['gatehouse_key', makeToken('live', size => randomBytes(size)).token.reveal()],
  ['jwt', `eyJ${token(33)}.eyJ${token(60)}.${token(43)}`],
  ['private_key', `-----BEGIN RSA PRIVATE KEY-----\n${`${token(64)}\n`.repeat(3)}-----END RSA PRIVATE KEY-----`]
]

describe('secrets', () => {
  for (const [name, key] of KEYS) {
    test(`finds all of it, and nothing more: ${name} ${key.slice(0, 8)}…`, () => {
      for (const [before, after] of [
        ['', ''],
        ['My key is ', '. Thanks!'],
        ['{"value":"', '"}'],
        ['ключ=', '\n']
      ]) {
        assert.deepEqual(found(`${before}${key}${after}`), [[name, key]])
      }
    })
  }

  test('finds values by the names that they are given', () => {
    const value = token(24)
    assert.deepEqual(found(`api_key = "${value}"`), [['assigned_secret', value]])
    assert.deepEqual(found(`export ACME_SECRET=${value}`), [['assigned_secret', value]])
    assert.deepEqual(found(`{"client_secret": "${walk(HEX, 40)}"}`), [['assigned_secret', walk(HEX, 40)]])
    assert.deepEqual(found('password: Tr0ub4dor&3'), [['password', 'Tr0ub4dor&3']])
    assert.deepEqual(found('my password is hunter2.'), [['password', 'hunter2']])
    assert.deepEqual(found(`Authorization: Bearer ${value}`), [['bearer_token', value]])
    const basic = Buffer.from('anna:s3cret').toString('base64')
    assert.deepEqual(found(`Authorization: Basic ${basic}`), [['basic_credentials', basic]])
    assert.deepEqual(found('postgres://app:p%40ss1@db.local:5432/x'), [['connection_string', 'p%40ss1']])
  })

  test('leaves what only looks like one', () => {
    for (const text of [
      'password: string',
      'const password = readLine()',
      'api_key = os.environ["API_KEY"]',
      'api_key: "<your key here>"',
      'password=${DB_PASSWORD}',
      'The password is required.',
      'sk-this-is-the-name-of-a-long-branch-of-ours',
      'https://example.com:8080/a@b',
      'postgres://user:password@localhost/db',
      'Basic authentication and Bearer authentication-with-tokens',
      'commit 3f786850e387550fdab836ed7e6dc881de23001b',
      'sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
      'id 123e4567-e89b-12d3-a456-426614174000',
      '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----',
      'AKIA is the prefix; sk-ant- and ghp_ are others.'
    ]) {
      assert.deepEqual(found(text), [], text)
    }
  })

  test('finds them through characters without width and full-width letters, at their places', () => {
    const key = `AKIA${base32}`
    const laced = [...key].join('\u200b')
    assert.deepEqual(found(`é ${laced} ü`), [['aws_key', laced]])
    const wide = [...key].map(unit => String.fromCodePoint(unit.charCodeAt(0) + 0xfee0)).join('')
    assert.deepEqual(found(`😀 ${wide}.`), [['aws_key', wide]])
  })

  test('leaves out what the options say, and tells no text', () => {
    const some = check.create({ except: ['jwt', 'password'] })
    assert.deepEqual(found(`${KEYS[18]![1]} password: Tr0ub4dor&3`, some), [])
    for (const [, key] of KEYS) assert.ok(!JSON.stringify(secrets.find!(key, place)).includes(key.slice(4, 16)))
  })

  test('none leaves a stream, however it is cut', async () => {
    const guard = guardOf(secrets, { kind: 'secrets', action: 'mask' })
    const text = KEYS.map(([, key]) => `Look: ${key}, and so on. ${'word '.repeat(30)}`).join('\n')
    const whole = await through(
      'openai-chat',
      'sse',
      new Playing(framesOf('openai-chat', 'sse', { text }, [text.length])),
      guardingOf(guard)
    )
    const expected = heard('openai-chat', 'sse', whole.frames).get('text')!
    for (const [, key] of KEYS) assert.ok(!expected.includes(key.slice(8)), expected)
    for (const cuts of [[1], [7, 3, 11], [64], [511, 2]]) {
      const frames = framesOf('openai-chat', 'sse', { text }, cuts)
      const cut = await through('openai-chat', 'sse', new Playing(frames), guardingOf(guard))
      assert.equal(heard('openai-chat', 'sse', cut.frames).get('text'), expected, `${cuts}`)
    }
  })
})
