import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { open, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { listMounts, mountAt } from '../../src/fuse/mount-table.js'
import { cannotMount, refuses, startCluster, temporaryDirectory } from '../cluster/harness.js'

const mount = 'leasefs-mount'
const directory = temporaryDirectory()
t.teardown(() => rmSync(directory, { recursive: true, force: true }))
const at = (name: string) => join(directory, name)
for (const name of ['empty', 'full/x']) mkdirSync(at(name), { recursive: true })
writeFileSync(at('file'), '')

t.test('bad options are refused, each with one line that says what is wrong', async t => {
  const cases: [args: string[], why: RegExp][] = [
    [[], /missing required argument 'mountpoint'/],
    [[at('empty'), '--bogus'], /unknown option '--bogus'/],
    [[at('empty'), '--binding', 'nfs'], /Allowed choices are/],
    [[at('empty'), '--master', 'x'], /expected HOST:PORT/],
    [[at('empty'), '--timeout', '5'], /Expected a time/],
    [[at('empty'), '--location', '/a/b'], /expected \/dc\/rack\/host/],
    [[at('empty'), '--uid', 'root'], /Expected a whole number from 0 to 4294967294/],
    [[at('empty'), '--fsname', 'a,suid'], /without blank, comma and backslash/],
    [[at('empty'), '--noatime', '--strictatime'], /'--noatime' cannot be used with option '--strictatime'/],
    [[at('empty'), '--read-only', '--exclusive'], /'--read-only' cannot be used with option '--exclusive'/],
    [[at('empty'), '--exclusive', '--binding', 'fuse-native'], /--exclusive needs the binding "kernel"/],
    [[at('none')], /does not exist/],
    [[at('file')], /is not a directory/],
    [[at('full')], /is not empty/],
  ]
  for (const [args, why] of cases) await refuses(t, mount, args, why)
})

t.test('a master that cannot be reached is told after the wait', async t => {
  const args = [at('empty'), '--master', '127.0.0.1:1', '--wait', '300ms', '--log-level', 'silent']
  await refuses(t, mount, args, /master at 127\.0\.0\.1:1 does not answer/)
})

t.test('what is mounted is not mounted on again', { skip: cannotMount }, async t => {
  const cluster = await startCluster(t, { chunkservers: 1, goal: 1 })
  await refuses(t, mount, [cluster.mountPoint, '--master', cluster.masterAddress], /is already mounted/)
})

t.test('a dead mount does not stand in the way of the next', { skip: cannotMount }, async t => {
  const cluster = await startCluster(t, { chunkservers: 1, goal: 1 })
  const [first] = cluster.mounts
  writeFileSync(join(cluster.mountPoint, 'kept'), 'x')
  await first?.kill()
  t.throws(() => readdirSync(cluster.mountPoint), { code: 'ENOTCONN' })
  await first?.start()
  t.same(readdirSync(cluster.mountPoint), ['kept'])
})

t.test('a mount that is told twice to end leaves no dead directory', { skip: cannotMount }, async t => {
  const cluster = await startCluster(t, { chunkservers: 1, goal: 1 })
  const [first] = cluster.mounts
  await writeFile(join(cluster.mountPoint, 'file'), 'x')
  const file = await open(join(cluster.mountPoint, 'file'), 'w')
  await file.write('not to be flushed')
  for (const server of [...cluster.chunkservers, cluster.master]) await server.kill()
  const closed = file.close().catch(() => {})

  const ended = first?.kill('SIGTERM')
  await new Promise(resolve => setTimeout(resolve, 1500))
  const again = await first?.kill('SIGTERM')
  t.equal(again?.code, 1)
  await Promise.all([ended, closed])
  t.notOk(mountAt(cluster.mountPoint, await listMounts()))
})

t.test('a mount taken away from outside ends its process', { skip: cannotMount }, async t => {
  const cluster = await startCluster(t, { chunkservers: 1, goal: 1 })
  writeFileSync(join(cluster.mountPoint, 'kept'), 'x')
  const { unmountLazily } = await import('../../src/fuse/unmount.js')
  await unmountLazily(cluster.mountPoint)
  const [first] = cluster.mounts
  await first?.stop()
  t.notOk(mountAt(cluster.mountPoint, await listMounts()))
  await first?.start()
  t.same(readdirSync(cluster.mountPoint), ['kept'])
})
