import t from 'tap'
import { byteCount, duration, listenAddress, location, peerAddress, wholeNumber } from '../../src/cli/options.js'

const refused = { code: 'commander.invalidArgument' }

t.test('a time is a number with a unit, within its limits', async t => {
  const read = duration(100, 86_400_000)
  t.equal(read('250ms'), 250)
  t.equal(read('10s'), 10_000)
  t.equal(read('5m'), 300_000)
  t.equal(read('24h'), 86_400_000)
  t.equal(duration(0, 5)('0'), 0)
  for (const bad of ['', '0', '5', 's', '5 s', '-5s', '1.5s', '5d', '99ms', '25h', '9999999999s']) {
    t.throws(() => read(bad), refused, JSON.stringify(bad))
  }
})

t.test('a count is a whole number within its limits', async t => {
  const read = wholeNumber(1, 9)
  t.equal(read('1'), 1)
  t.equal(read('9'), 9)
  for (const bad of ['', '0', '10', '3.5', '3x', '-1', '1e1', ' 3', '9'.repeat(40)]) {
    t.throws(() => read(bad), refused, JSON.stringify(bad))
  }
})

t.test('an address is HOST:PORT; only a listener may leave the port open', async t => {
  t.same(listenAddress('127.0.0.1:0'), { host: '127.0.0.1', port: 0 })
  t.same(peerAddress('[::1]:7400'), { host: '::1', port: 7400 })
  t.throws(() => peerAddress('127.0.0.1:0'), refused)
  for (const bad of ['', 'x', 'x:', ':1', 'x:70000', 'x:1:2', '::1:5']) t.throws(() => listenAddress(bad), refused, bad)
})

t.test('a location is /dc/rack/host', async t => {
  t.same(location('/a/b/c'), { dc: 'a', rack: 'b', host: 'c' })
  for (const bad of ['', 'a/b/c', '/a/b', '/a/b/c/d', '/a//c', '/a/b/ü']) t.throws(() => location(bad), refused, bad)
})

t.test('a size is a number with a unit, or of bytes', async t => {
  t.same(
    [byteCount('0'), byteCount('4096'), byteCount('500MiB'), byteCount('2 TiB')],
    [0, 4096, 500 * 2 ** 20, 2 ** 41],
  )
  for (const bad of ['', 'x', '5MB', '-1', '1.5GiB', '9999999999TiB']) t.throws(() => byteCount(bad), refused, bad)
})
