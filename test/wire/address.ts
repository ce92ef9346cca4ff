import t from 'tap'
import { addressText, parseAddress } from '../../src/wire/address.js'

t.test('HOST:PORT is an address, and back', async t => {
  const cases: [string, string, number][] = [
    ['127.0.0.1:7400', '127.0.0.1', 7400],
    ['master.example:1', 'master.example', 1],
    ['[::1]:65535', '::1', 65_535],
    ['localhost:0', 'localhost', 0],
  ]
  for (const [text, host, port] of cases) {
    t.same(parseAddress(text), { host, port }, text)
    t.equal(addressText({ host, port }), text)
  }
})

t.test('anything else is INVALID_ARGUMENT', async t => {
  const bad = ['', 'host', 'host:', ':7400', 'host:x', 'host:65536', 'host:-1', 'host:1e3', 'host:123456', '::1:7400']
  for (const text of [...bad, '[::1]', '[host]:1', 'a b:1', 'host:1 ', 'host:1\n', '[::1:7400', 'http://host:1']) {
    t.throws(() => parseAddress(text), { code: 'INVALID_ARGUMENT' }, JSON.stringify(text))
  }
})
