import { once } from 'node:events'
import { chmodSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { SimulatedClock } from '../../src/base/simulated-clock.js'
import { checkMountPoint } from '../../src/fuse/mount-point.js'
import { memoryMount } from '../mount/harness/memory-mount.js'
import { mounted } from './harness/mounted.js'

t.test('an empty directory will do, by its real path', async t => {
  const path = t.testdir({ empty: {} })
  symlinkSync('empty', join(path, 'link'))
  t.equal(await checkMountPoint(join(path, 'link')), join(path, 'empty'))
})

t.test('what can not be mounted on is named', async t => {
  const path = t.testdir({ file: 'x', full: { file: 'x' } })
  await t.rejects(checkMountPoint(join(path, 'missing')), { code: 'NOT_FOUND', message: /missing does not exist/ })
  await t.rejects(checkMountPoint(join(path, 'file')), { code: 'NOT_A_DIRECTORY' })
  await t.rejects(checkMountPoint(join(path, 'file', 'x')), { code: 'NOT_A_DIRECTORY' })
  await t.rejects(checkMountPoint(join(path, 'full')), { code: 'NOT_EMPTY' })
})

t.test('a directory of someone else is refused', { skip: process.getuid?.() === 0 && 'root may' }, async t => {
  const path = t.testdir({ closed: {} })
  chmodSync(join(path, 'closed'), 0)
  await t.rejects(checkMountPoint(join(path, 'closed')), { code: 'PERMISSION_DENIED' })
})

t.test(
  'a directory that only root may write to is refused',
  { skip: process.getuid?.() === 0 && 'root may' },
  async t => {
    const path = t.testdir({ readable: {} })
    chmodSync(join(path, 'readable'), 0o555)
    await t.rejects(checkMountPoint(join(path, 'readable')), { code: 'PERMISSION_DENIED' })
  },
)

t.test('a mount point is taken once', async t => {
  const { path } = await mounted(t)
  await t.rejects(checkMountPoint(path), { code: 'ALREADY_EXISTS', message: /already mounted/ })
})

t.test('what does not answer is not waited for', async t => {
  const mount = await memoryMount(t)
  mount.process.kill('SIGSTOP')
  t.teardown(() => mount.process.kill('SIGCONT'))
  const clock = new SimulatedClock()
  const checked = t.rejects(checkMountPoint(mount.path, clock), { code: 'TIMEOUT', message: /umount -l/ })
  await clock.advance(5000)
  await checked
  mount.process.kill('SIGCONT')
  await t.rejects(checkMountPoint(mount.path), { code: 'ALREADY_EXISTS' })
})

t.test('a dead mount of ours is cleared away', async t => {
  const mount = await memoryMount(t)
  mount.process.kill('SIGKILL')
  await once(mount.process, 'exit')
  t.equal(await checkMountPoint(mount.path), mount.path)
})
