// The master's own disk runs full under a mount that is in use.

import { closeSync, fsyncSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs'
import { chmod, stat, statfs, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { MiB } from '../../src/base/units.js'
import { cannotMount, startCluster, until } from './harness.js'

const cannot = cannotMount || (process.getuid?.() !== 0 && 'only root can mount a small disk')

/** The code it failed with, and whether it took less than 2 s. */
async function timed(run: () => Promise<unknown>): Promise<readonly [string | undefined, boolean]> {
  const began = performance.now()
  const failure = await run().then(
    () => undefined,
    (reason: NodeJS.ErrnoException) => reason.code,
  )
  return [failure, performance.now() - began < 2000]
}

t.test('a full disk of the master is ENOSPC at once, and mends by itself', { skip: cannot }, async t => {
  const cluster = await startCluster(t, { masterDiskBytes: 48 * MiB, mounts: 2, chunkservers: 2, goal: 2 })
  const at = (name: string) => join(cluster.mountPoint, name)
  const other = (name: string) => join(cluster.mountPoints[1] ?? '', name)
  const [ballast, rest] = [join(cluster.masterData, 'ballast'), join(cluster.masterData, 'rest')]
  const disk = async () => (await cluster.status()).disk

  await writeFile(at('kept'), 'kept')
  await writeFile(at('old'), 'old')
  const file = openSync(at('open'), 'w')
  writeSync(file, 'one ')
  fsyncSync(file)

  const { bavail, bsize } = await statfs(cluster.masterData)
  await writeFile(ballast, Buffer.alloc(bavail * bsize - 2 * MiB))
  await until('it is nearly full', async () => (await disk()).onlyGrowth)
  t.same(await timed(() => writeFile(at('new'), 'new')), ['ENOSPC', true], 'nothing is made')
  writeSync(file, 'two ')
  fsyncSync(file)
  rmSync(at('old'))
  await chmod(at('kept'), 0o600)
  await cluster.mounts[1]?.restart()
  t.equal(readFileSync(other('open'), 'utf8'), 'one two ', 'what was begun is ended, and who comes is served')

  await writeFile(rest, Buffer.alloc(4 * MiB)).catch(() => {})
  let refused: readonly [string | undefined, boolean] = [undefined, true]
  // What is left of the last pages takes a few records yet.
  for (let n = 0; !refused[0] && n < 20_000; n++) refused = await timed(() => chmod(at('kept'), n % 512))
  t.same(refused, ['ENOSPC', true])
  t.match(await disk(), { code: 'NO_SPACE', onlyGrowth: false, restart: false })
  t.equal(readFileSync(at('kept'), 'utf8'), 'kept', 'reading goes on')
  t.equal((await stat(at('open'))).size, 8)
  writeSync(file, 'three')
  t.throws(() => fsyncSync(file), { code: 'ENOSPC' }, 'what the master could not note is told at fsync')

  await truncate(ballast)
  rmSync(rest)
  await until('there is room again', async () => (await disk()).code === '')
  await writeFile(at('new'), 'new')
  fsyncSync(file)
  closeSync(file)
  const { mode } = await stat(at('kept'))
  await cluster.master.kill()
  await cluster.master.start()
  await cluster.mounts[1]?.restart()
  t.equal(readFileSync(other('open'), 'utf8'), 'one two three', 'nothing that was answered is lost')
  t.equal(readFileSync(other('new'), 'utf8'), 'new')
  t.equal((await stat(other('kept'))).mode, mode)
})
