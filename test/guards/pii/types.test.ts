/** Each type once as it is written, once with one digit wrong, and in the disguises that people and attackers use. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { check } from '../../../src/guards/checks/pii.ts'
import { TYPES } from '../../../src/guards/pii/scan.ts'

const all = check.create({ types: [...TYPES], except: [] })
const PLACE = { side: 'request', role: 'user', kind: 'text', path: 'messages[0].content' } as const

function found(text: string): string[] {
  return all.find!(text, PLACE).map(({ rule, start, end }) => `${rule.slice(4)} ${text.slice(start, end)}`)
}

/** A sentence, what is found in it, and what stands there instead when it is wrong. */
const RIGHT: [text: string, type: string, value: string][] = [
  ['Write to ana.pérez+work@mail.example.co.uk today.', 'email', 'ana.pérez+work@mail.example.co.uk'],
  ['Card 4111 1111 1111 1111, expires soon', 'card', '4111 1111 1111 1111'],
  ['Amex: 378282246310005.', 'card', '378282246310005'],
  ['IBAN GB82 WEST 1234 5698 7654 32.', 'iban', 'GB82 WEST 1234 5698 7654 32'],
  ['Konto de89370400440532013000 bitte', 'iban', 'de89370400440532013000'],
  ['Call +49 (0)30 901820 or write', 'phone', '+49 (0)30 901820'],
  ['Call me at (415) 555-2671.', 'phone', '(415) 555-2671'],
  ['Tel.: 01 42 68 53 00', 'phone', '01 42 68 53 00'],
  ['SSN 536-90-4399 on file', 'us_ssn', '536-90-4399'],
  ['social security number 536904399', 'us_ssn', '536904399'],
  ['ITIN 912-70-1234', 'us_itin', '912-70-1234'],
  ['NHS number 943 476 5919', 'gb_nhs', '943 476 5919'],
  ['His NINO is AB 12 34 56 C.', 'gb_nino', 'AB 12 34 56 C'],
  ['Steuer-ID: 86 095 742 719', 'de_tax_id', '86 095 742 719'],
  ['NIR 2 55 08 14 168 025 38', 'fr_nir', '2 55 08 14 168 025 38'],
  ['DNI 12345678Z', 'es_dni', '12345678Z'],
  ['NIE X1234567L', 'es_nie', 'X1234567L'],
  ['CF RSSMRA85T10A562S', 'it_codice_fiscale', 'RSSMRA85T10A562S'],
  ['BSN 111222333', 'nl_bsn', '111222333'],
  ['Rijksregister 85.07.30-033.28', 'be_rijksregister', '85.07.30-033.28'],
  ['PESEL 44051401359', 'pl_pesel', '44051401359'],
  ['personnummer 811228-9874', 'se_personnummer', '811228-9874'],
  ['Hetu 131052-308T', 'fi_hetu', '131052-308T'],
  ['NIF 123456789', 'pt_nif', '123456789'],
  ['CPF 529.982.247-25', 'br_cpf', '529.982.247-25'],
  ['Aadhaar 2341 2341 2346', 'in_aadhaar', '2341 2341 2346'],
  ['PAN ABCPE1234F', 'in_pan', 'ABCPE1234F'],
  ['TFN 123 456 782', 'au_tfn', '123 456 782'],
  ['SIN 130 692 544', 'ca_sin', '130 692 544'],
  ['ID 8001015009087', 'za_id', '8001015009087'],
  ['NRIC S1234567D', 'sg_nric', 'S1234567D'],
  ['TC kimlik 10000000146', 'tr_kimlik', '10000000146'],
  ['身份证 11010519491231002X', 'cn_resident_id', '11010519491231002X'],
  ['from 203.0.113.77 at noon', 'ip', '203.0.113.77'],
  ['host 2001:db8::8a2e:370:7334 is up', 'ip', '2001:db8::8a2e:370:7334'],
  ['MAC 00:1B:44:11:3A:B7', 'mac', '00:1B:44:11:3A:B7'],
  ['pay 1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa', 'crypto_address', '1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa'],
  ['pay bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4', 'crypto_address', 'bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4'],
  ['Date of birth: 04/12/1985', 'date_of_birth', '04/12/1985'],
  ['She was born on March 4, 1985 in Rome', 'date_of_birth', 'March 4, 1985'],
  ['geboren am 4. März 1985', 'date_of_birth', '4. März 1985'],
  ['see https://example.com/u/42?x=1.', 'url', 'https://example.com/u/42?x=1']
]

describe('personal data that has a form', () => {
  for (const [text, type, value] of RIGHT) {
    test(`${type}: ${text}`, () => assert.deepEqual(found(text), [`${type} ${value}`]))
  }

  test('a wrong check digit is another number', () => {
    const wrong = [
      'Card 4111 1111 1111 1112',
      'IBAN GB82 WEST 1234 5698 7654 33',
      'NHS number 943 176 5919',
      'Steuer-ID: 86 095 742 718',
      'NIR 2 55 08 14 168 025 39',
      'DNI 12345678A',
      'BSN 111222334',
      'PESEL 44051401358',
      'CPF 529.982.247-26',
      'Aadhaar 2341 2341 2347',
      'TFN 123 456 783',
      'SIN 130 692 545',
      'TC kimlik 10000000147',
      'pay 1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb'
    ]
    for (const text of wrong) assert.deepEqual(found(text), [], text)
  })

  test('what only looks alike is left alone', () => {
    const others = [
      'order 20261123-0042, invoice 4711, build 1234567890',
      'version 10.0.19045.3570 of 2026-11-23T04:59:12Z',
      'const id = "550e8400-e29b-41d4-a716-446655440000"',
      'sha 9b85ecb3f1a04d6fa2f5f0a3d9be0c5b7d1c2e3f',
      'the year 1985, born to run',
      '@Component() class A {} // see @scope/package@1.2.3',
      'timestamps 1732336752123 and 1732336752',
      'rgb(255, 128, 0) 0xdeadbeef 3.14159265358979',
      'call 911 or 112'
    ]
    for (const text of others) assert.deepEqual(found(text), [], text)
  })

  test('in disguise: other digits, full width, characters without width, base64', () => {
    const hidden = Buffer.from('mail ana@example.com now').toString('base64')
    assert.deepEqual(found('card ４１１１ １１１１ １１１１ １１１１'), ['card ４１１１ １１１１ １１１１ １１１１'])
    assert.deepEqual(found('card ٤١١١١١١١١١١١١١١١'), ['card ٤١١١١١١١١١١١١١١١'])
    assert.deepEqual(found('card 4111\u200b1111\u200b1111\u200b1111.'), ['card 4111\u200b1111\u200b1111\u200b1111'])
    assert.deepEqual(found('ana\u200b@exam\u00adple.com'), ['email ana\u200b@exam\u00adple.com'])
    assert.deepEqual(found(`blob ${hidden} end`), [`email ${hidden}`])
  })

  test('types can be chosen', () => {
    const cards = check.create({ types: ['card'], except: [] })
    const mails = check.create({ types: [...TYPES], except: ['card'] })
    const text = 'ana@example.com 4111 1111 1111 1111'
    assert.deepEqual(
      cards.find!(text, PLACE).map(({ rule }) => rule),
      ['pii.card']
    )
    assert.deepEqual(
      mails.find!(text, PLACE).map(({ rule }) => rule),
      ['pii.email']
    )
  })

  test('a hostile text takes time in proportion to its length', () => {
    for (const piece of ['1', '1 ', 'a@', '@', 'A1-', '::', '1.', 'GB82 ', '0x', 'AAAA BBB 1', '+1', '٤', 'a\u200b']) {
      const time = (length: number) => {
        const text = piece.repeat(length / piece.length)
        const from = process.cpuUsage()
        all.find!(text, PLACE)
        const { user, system } = process.cpuUsage(from)
        return user + system
      }
      time(20_000)
      // Ten times as much takes less than thirty times as long, or little in any case.
      assert.ok(time(200_000) < Math.max(30 * time(20_000), 400_000), piece)
    }
  })
})
