import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import t from 'tap'
import { Daemon, refuses, temporaryDirectory } from '../cluster/harness.js'

const master = 'leasefs-master'
const directory = temporaryDirectory()
t.teardown(() => rmSync(directory, { recursive: true, force: true }))
const at = (name: string) => join(directory, name)

t.test('bad options are refused, each with one line that says what is wrong', async t => {
  const data = ['--data', at('unused')]
  const cases: [args: string[], why: RegExp][] = [
    [[], /required option '--data <dir>'/],
    [[...data, '--bogus'], /unknown option '--bogus'/],
    [[...data, 'extra'], /too many arguments/],
    [[...data, '--listen', '7400'], /expected HOST:PORT/],
    [[...data, '--listen', '127.0.0.1:70000'], /expected HOST:PORT/],
    [[...data, '--goal', '0'], /from 1 to 9/],
    [[...data, '--goal', '10'], /from 1 to 9/],
    [[...data, '--lease-ms', '10'], /whole number from/],
    [[...data, '--durability', 'luck'], /Allowed choices are process, disk/],
    [[...data, '--log-level', 'loud'], /Allowed choices are/],
    [[...data, '--trace', at('no/such/file')], /cannot write the trace file/],
  ]
  for (const [args, why] of cases) await refuses(t, master, args, why)
})

t.test('an address that is taken or not ours is refused', async t => {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise(resolve => server.once('listening', resolve))
  t.teardown(() => server.close())
  const address = server.address()
  const port = typeof address === 'object' ? address?.port : 0
  await refuses(t, master, ['--data', at('busy'), '--listen', `127.0.0.1:${port}`], /in use/)
  await refuses(t, master, ['--data', at('busy'), '--listen', '192.0.2.1:7400'], /192\.0\.2\.1:7400/)
})

t.test('a data directory that is not its own is refused', async t => {
  mkdirSync(at('home'))
  writeFileSync(at('home/letter.txt'), '')
  writeFileSync(at('file'), '')
  mkdirSync(at('newer'))
  writeFileSync(at('newer/identity.json'), '{"kind":"master","formatVersion":99}')
  mkdirSync(at('foreign'))
  writeFileSync(at('foreign/identity.json'), '{"kind":"chunkserver","formatVersion":1}')
  const cases: [name: string, why: RegExp][] = [
    ['home', /is not a data directory/],
    ['file', /is not a directory/],
    ['newer', /newer leasefs/],
    ['foreign', /of a chunkserver, not of a master/],
  ]
  for (const [name, why] of cases) await refuses(t, master, ['--data', at(name), '--listen', '127.0.0.1:0'], why)
})

t.test('a data directory one may not write is refused', { skip: process.getuid?.() !== 0 && 'needs root' }, async t => {
  chmodSync(directory, 0o755)
  mkdirSync(at('of-root'), { mode: 0o755 })
  await refuses(t, master, ['--data', at('of-root'), '--listen', '127.0.0.1:0'], /is not readable and writable/, 65_534)
})

t.test('a data directory in use is refused, and the master that uses it goes on', async t => {
  const first = new Daemon('master', master, () => ['--data', at('data'), '--listen', '127.0.0.1:0'])
  t.teardown(() => first.kill())
  await first.start()
  t.match(first.ready, /^listening on 127\.0\.0\.1:\d+, cluster [0-9a-f-]{36}$/)
  await refuses(t, master, ['--data', at('data'), '--listen', '127.0.0.1:0'], /is in use by another process/)
  t.ok(first.isRunning)

  const ready = first.ready
  await first.stop()
  await first.start()
  t.equal(first.ready.split(' ').at(-1), ready.split(' ').at(-1), 'the cluster id stays')
  await first.stop()
})
