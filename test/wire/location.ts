import t from 'tap'
import { distance, locationText, parseLocation } from '../../src/wire/location.js'

t.test('/dc/rack/host is a location, and back', async t => {
  const text = '/dc-1/rack_2/node.3'
  t.same(parseLocation(text), { dc: 'dc-1', rack: 'rack_2', host: 'node.3' })
  t.equal(locationText(parseLocation(text)), text)
})

t.test('anything else is INVALID_ARGUMENT', async t => {
  for (const text of [
    '',
    '/',
    '/a',
    '/a/b',
    'a/b/c',
    '/a/b/c/',
    '/a/b/c/d',
    '/a//c',
    '/a/b/c d',
    `/a/b/${'h'.repeat(65)}`,
  ]) {
    t.throws(() => parseLocation(text), { code: 'INVALID_ARGUMENT' }, text)
  }
})

t.test('distance grows from host to rack to data center', async t => {
  const here = parseLocation('/a/1/x')
  const cases: [string, number][] = [
    ['/a/1/x', 0],
    ['/a/1/y', 1],
    ['/a/2/x', 2],
    ['/b/1/x', 3],
  ]
  for (const [text, expected] of cases) {
    t.equal(distance(here, parseLocation(text)), expected, text)
    t.equal(distance(parseLocation(text), here), expected, `${text}, the other way`)
  }
})
