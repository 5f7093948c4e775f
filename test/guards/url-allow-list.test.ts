import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { check } from '../../src/guards/checks/url-allow-list.ts'
import type { Place } from '../../src/guards/guard.ts'

const place: Place = { side: 'response', role: 'assistant', kind: 'text', path: 'choices[0].message.content' }
const base = { hosts: ['docs.example.com', '*.fine.example'], images: false, relative: true }
const found = (text: string, options = base) =>
  check.create(options).find!(text, place).map(({ rule, start, end }) => [
    rule.replace('url_allow_list.', ''),
    text.slice(start, end)
  ])

describe('url-allow-list', () => {
  test('leaves what is on the list, in any spelling of it', () => {
    for (const text of [
      'See https://docs.example.com/a?b=c#d.',
      'See HTTPS://DOCS.EXAMPLE.COM:443/a',
      '[a](https://a.b.fine.example/x) and <https://a.fine.example>',
      'https://docs.example.com./x',
      '![p](https://cdn.fine.example/p.png)',
      '[relative](/docs/a) and <img src="p.png">',
      '// a comment of code // and another',
      'a // b, C:\\\\temp and 1//2'
    ]) {
      assert.deepEqual(found(text), [], text)
    }
  })

  test('finds other hosts, and hosts that only look like those of the list', () => {
    for (const url of [
      'https://evil.example/a?d=secret',
      'http://docs.example.com.evil.example/',
      'https://docs.example.com@evil.example/',
      'https://docs.example.com:x@evil.example/',
      'https://evilfine.example',
      'https://fine.example/',
      'https:\\\\evil.example/a',
      'https:/\\evil.example/a',
      'https:/evil.example/a',
      'https:////evil.example/a',
      'ftp://evil.example/a',
      'https://dоcs.example.com/',
      'https://203.0.113.7/x',
      'https://[2001:db8::1/x',
      'www.evil.example/a'
    ]) {
      assert.deepEqual(found(`Go to ${url} now`), [['link', url]], url)
    }
    assert.deepEqual(found('[x](https:evil.example)'), [['link', 'https:evil.example']])
    assert.deepEqual(found('[x](//evil.example/a)'), [['link', '//evil.example/a']])
    assert.deepEqual(found('(https://evil.example/a)'), [['link', 'https://evil.example/a']])
  })

  test('tells images from links, and may look at them alone', () => {
    const text = '![a](https://evil.example/1) <img alt="" src="https://evil.example/2"> [c](https://evil.example/3)'
    const images = [
      ['image', 'https://evil.example/1'],
      ['image', 'https://evil.example/2']
    ]
    assert.deepEqual(found(text), [...images, ['link', 'https://evil.example/3']])
    assert.deepEqual(found(text, { ...base, images: true }), images)
  })

  test('addresses without a host are found where they are not allowed', () => {
    assert.deepEqual(found('[a](mailto:x@y.example)', { ...base, relative: false }), [['link', 'mailto:x@y.example']])
  })

  test('finds them through characters without width', () => {
    assert.deepEqual(found('https://ev\u200bil.example/a'), [['link', 'https://ev\u200bil.example/a']])
  })
})
