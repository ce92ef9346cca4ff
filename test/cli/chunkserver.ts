import { rmSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { Daemon, refuses, temporaryDirectory } from '../cluster/harness.js'

const chunkserver = 'leasefs-chunkserver'
const directory = temporaryDirectory()
t.teardown(() => rmSync(directory, { recursive: true, force: true }))
const at = (name: string) => join(directory, name)

const masterAt = (name: string) =>
  new Daemon(name, 'leasefs-master', () => ['--data', at(name), '--listen', '127.0.0.1:0'])
const addressOf = (master: Daemon) => /listening on ([^,]+)/.exec(master.ready)?.[1] ?? ''

t.test('bad options are refused, each with one line that says what is wrong', async t => {
  const data = ['--data', at('unused')]
  const cases: [args: string[], why: RegExp][] = [
    [[], /required option '--data <dir>'/],
    [[...data, '--bogus'], /unknown option '--bogus'/],
    [[...data, '--master', 'nowhere'], /expected HOST:PORT/],
    [[...data, '--master', '127.0.0.1:0'], /no place to connect to/],
    [[...data, '--scrub-rate', 'fast'], /Expected a size/],
    [[...data, '--location', 'here'], /expected \/dc\/rack\/host/],
    [[...data, '--listen', ':1'], /expected HOST:PORT/],
    [[...data, '--data-listen', 'x'], /expected HOST:PORT/],
  ]
  for (const [args, why] of cases) await refuses(t, chunkserver, args, why)
})

t.test('a master that cannot be reached is told after the wait', async t => {
  const args = ['--data', at('alone'), '--master', '127.0.0.1:1', '--wait', '300ms', '--log-level', 'silent']
  await refuses(t, chunkserver, args, /master 127\.0\.0\.1:1 is not reachable/)
})

t.test('a chunkserver keeps its id, and is refused by another cluster and on a directory in use', async t => {
  const home = masterAt('home')
  const away = masterAt('away')
  t.teardown(() => Promise.all([home.kill(), away.kill()]))
  await Promise.all([home.start(), away.start()])

  const args = (master: Daemon) => ['--data', at('server'), '--master', addressOf(master), '--log-level', 'silent']
  const server = new Daemon('chunkserver', chunkserver, () => args(home))
  t.teardown(() => server.kill())
  await server.start()
  const { ready } = server
  t.match(ready, /^server [0-9a-f-]{36}, listening on 127\.0\.0\.1:\d+, data on 127\.0\.0\.1:\d+$/)
  await refuses(t, chunkserver, args(home), /is in use by another process/)
  await server.restart()
  t.equal(server.ready.split(',')[0], ready.split(',')[0], 'the server id stays')
  await server.stop()

  await refuses(t, chunkserver, args(away), /cluster/)
  await server.start()
  t.ok(server.isRunning, 'it is still welcome at home')
})
