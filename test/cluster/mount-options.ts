// The options of leasefs-mount that change what one sees, on a real cluster.

import { readdirSync, readFileSync, statSync } from 'node:fs'
import { chmod, chown, mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { bindingsHere } from '../mount/harness/memory-mount.js'
import { type Cluster, cannotMount, Daemon, leasefs, refuses, shell, startCluster, until } from './harness.js'

const isRoot = process.getuid?.() === 0

for (const binding of cannotMount ? [] : bindingsHere) {
  t.test(binding, async t => {
    const cluster = await startCluster(t, { chunkservers: 1, goal: 1, mountArgs: ['--binding', binding] })
    const whole = cluster.mountPoint
    const mounted = (t: Test, ...args: string[]) => mountAgain(t, cluster, ['--binding', binding, ...args])

    t.test('a part of the tree: nothing outside of it can be reached', async t => {
      await shell(whole, 'mkdir -p sub/a/b; echo f > sub/a/b/f; echo secret > sub/secret; ln -s ../../secret sub/a/up')
      const part = await mounted(t, '--subdir', '/sub/a')
      t.same(readdirSync(part).sort(), ['b', 'up'])
      t.equal(statSync(part).ino, 1)
      t.equal(readFileSync(join(part, 'b/f'), 'utf8'), 'f\n')
      t.throws(() => readFileSync(join(part, 'up')), { code: 'ENOENT' })
      t.equal(statSync(join(part, 'b/..')).ino, 1)
      await writeFile(join(part, 'new'), 'made in the root')
      t.equal(readFileSync(join(whole, 'sub/a/new'), 'utf8'), 'made in the root')
      t.match(await leasefs('locate', join(part, 'new')), /16 bytes/)
    })

    t.test('a part of the tree hears of changes made elsewhere, in its root as well', async t => {
      await mkdir(join(whole, 'heard'))
      const part = await mounted(t, '--subdir', 'heard')
      for (let round = 0; round < 5; round++) {
        t.same(readdirSync(part), [])
        await writeFile(join(whole, 'heard/file'), String(round))
        t.same(readdirSync(part), ['file'])
        t.equal(readFileSync(join(part, 'file'), 'utf8'), String(round))
        await rename(join(whole, 'heard/file'), join(whole, 'file'))
        await chmod(join(whole, 'heard'), 0o700 + round)
        t.equal(statSync(part).mode & 0o777, 0o700 + round)
      }
      await rm(join(whole, 'file'))
    })

    t.test('a part that is not there is told', async t => {
      const args = [join(cluster.directory, 'empty'), '--master', cluster.masterAddress, '--binding', binding]
      await mkdir(join(cluster.directory, 'empty'))
      await writeFile(join(whole, 'plain'), '')
      await refuses(t, 'leasefs-mount', [...args, '--subdir', 'none/x'], /the cluster has no directory none\/x/)
      await refuses(t, 'leasefs-mount', [...args, '--subdir', 'plain'], /plain is not a directory/)
      await refuses(t, 'leasefs-mount', [...args, '--subdir', 'a/../b'], /must not have "\.\." in it/)
    })

    t.test("everything as one user's", async t => {
      await writeFile(join(whole, 'theirs'), '')
      const squashed = await mounted(t, '--uid', '1234', '--gid', '4321')
      t.match(statSync(join(squashed, 'theirs')), { uid: 1234, gid: 4321 })
      if (!isRoot) return // A directory of someone else.
      await writeFile(join(squashed, 'mine'), '')
      t.match(statSync(join(whole, 'mine')), { uid: 1234, gid: 4321 })
      await chown(join(squashed, 'mine'), 1234, 4321)
      await t.rejects(chown(join(squashed, 'mine'), 0, 0), { code: 'EPERM' })
    })

    t.test('only to be read', async t => {
      await writeFile(join(whole, 'readable'), 'x')
      const closed = await mounted(t, '--read-only')
      t.equal(readFileSync(join(closed, 'readable'), 'utf8'), 'x')
      await t.rejects(writeFile(join(closed, 'readable'), 'y'), { code: 'EROFS' })
      await writeFile(join(whole, 'readable'), 'changed elsewhere')
      t.equal(readFileSync(join(closed, 'readable'), 'utf8'), 'changed elsewhere')
    })

    t.test('access times as asked for', async t => {
      await writeFile(join(whole, 'read'), 'x')
      const atime = () => statSync(join(whole, 'read')).atimeMs
      const strict = await mounted(t, '--strictatime')
      const never = await mounted(t, '--noatime')
      await shell(whole, 'touch -a -d 2001-01-01 read')
      readFileSync(join(never, 'read'))
      t.equal(new Date(atime()).getFullYear(), 2001)
      const read = async () => {
        const before = atime()
        readFileSync(join(strict, 'read'))
        await until('the reading is recorded', () => atime() > before)
      }
      await read()
      await read()
      t.pass('each of two')
    })

    t.test('the name in the mount table', async t => {
      const path = await mounted(t, '--fsname', 'leasefs-of-the-test')
      t.match(await shell('/', `df -T '${path}'`), /leasefs-of-the-test +fuse\.leasefs/)
      t.match(await shell('/', `df -T '${whole}'`), /leasefs@127\.0\.0\.1:\d+ +fuse\.leasefs/)
      t.match(await shell('/', `mount | grep '${path} '`), /^leasefs-of-the-test on .* type fuse\.leasefs/)
    })
  })
}

let count = 0

/** One more mount of the cluster, for one test. */
async function mountAgain(t: Test, { directory, masterAddress }: Cluster, args: readonly string[]): Promise<string> {
  const path = join(directory, `more-${++count}`)
  await mkdir(path)
  const daemon = new Daemon(path, 'leasefs-mount', () => [
    path,
    '--master',
    masterAddress,
    '--log-level',
    'warn',
    ...args,
  ])
  t.teardown(() => daemon.stop())
  await daemon.start()
  return path
}
