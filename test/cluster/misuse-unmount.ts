// A mount that is taken away under load, in every way there is: nothing that
// was acknowledged is lost, and the next mount on the directory is as good as new.

import { execFile } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import t, { type Test } from 'tap'
import { listMounts, mountAt } from '../../src/fuse/mount-table.js'
import { unmountLazily } from '../../src/fuse/unmount.js'
import { bindingsHere } from '../mount/harness/memory-mount.js'
import { type Cluster, cannotMount, type Daemon, startCluster, until } from './harness.js'
import { Load } from './load.js'

/** SIGTERM waits 5 s for those who use the mount, and then flushes. */
const endMsMax = 25_000

/** Work acknowledged before the mount is taken away: enough to be in the middle of everything. */
const acknowledgedMin = 20

for (const binding of cannotMount ? [] : bindingsHere) {
  const cluster = await startCluster(t, { mountArgs: ['--binding', binding] })
  const [mount] = cluster.mounts as [Daemon]

  t.test(`${binding}: umount -l under load`, async t => {
    const load = await loadIn(t, cluster, 'detached')
    await unmountLazily(cluster.mountPoint)
    t.same(readdirSync(cluster.mountPoint), [], 'it is gone for all who come now')
    if (binding === 'kernel') {
      const before = load.acknowledgedCount
      await until('who was in it goes on', () => load.acknowledgedCount > before)
      await load.stop()
    }
    await endsWell(t, mount)
    await load.ended()
    await mount.start()
    load.check(t)
  })

  t.test(`${binding}: SIGTERM under load`, async t => {
    const load = await loadIn(t, cluster, 'terminated')
    void mount.kill('SIGTERM')
    await endsWell(t, mount)
    t.notOk(mountAt(cluster.mountPoint, await listMounts()), 'it has unmounted')
    await load.ended()
    await mount.start()
    load.check(t)
  })

  t.test(`${binding}: the process of the mount is killed under load`, async t => {
    const load = await loadIn(t, cluster, 'killed')
    await mount.kill()
    await load.ended()
    t.throws(() => readdirSync(cluster.mountPoint), { code: 'ENOTCONN' })
    await mount.start()
    load.check(t)
    const { stdout } = await promisify(execFile)('findmnt', ['-n', '-o', 'FSTYPE', cluster.mountPoint])
    t.equal(stdout.trim(), 'fuse.leasefs', 'and mounted once')
  })
}

/** Load in a new directory of the mount. */
async function loadIn(t: Test, cluster: Cluster, name: string): Promise<Load> {
  const directory = join(cluster.mountPoint, name)
  await mkdir(directory)
  const load = new Load(t, directory, join(cluster.directory, 'source'))
  await until('there is load', () => load.acknowledgedCount > acknowledgedMin, 60_000)
  return load
}

/** By itself, in time, and with exit code 0. */
async function endsWell(t: Test, mount: Daemon): Promise<void> {
  await until('the mount ends', () => !mount.isRunning, endMsMax)
  const exit = await mount.kill()
  t.same(exit, { code: 0, signal: null }, 'the mount ends by itself', { lines: mount.lastLines })
}
