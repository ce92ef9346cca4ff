import { execFile } from 'node:child_process'
import { open, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import t from 'tap'
import { silentLog } from '../../src/base/log.js'
import { SimulatedClock } from '../../src/base/simulated-clock.js'
import { mount } from '../../src/fuse/mount.js'
import { listMounts, mountAt } from '../../src/fuse/mount-table.js'
import { MemoryFileSystem } from './harness/memory-file-system.js'
import { mounted } from './harness/mounted.js'

const fileSystem = new MemoryFileSystem(new SimulatedClock())
const options = { fileSystem, binding: 'auto', log: silentLog } as const

t.test('a mount can be used, unmounted, and mounted again', async t => {
  const { path, fileSystem, mount: first } = await mounted(t)
  t.equal(first.binding, 'fuse-native')
  await writeFile(join(path, 'f'), 'kept')
  await first.unmount()
  await first.unmount()
  await t.rejects(stat(join(path, 'f')), { code: 'ENOENT' })
  const second = await mount({ ...options, fileSystem, mountPoint: path })
  t.equal(await readFile(join(path, 'f'), 'utf8'), 'kept')
  await second.unmount()
})

t.test('the mount table names its source', async t => {
  const mountPoint = t.testdir()
  const { unmount } = await mount({ ...options, mountPoint, fsname: 'leasefs@127.0.0.1:7400' }).then(mounted => ({
    unmount: () => mounted.unmount(),
  }))
  t.match(mountAt(mountPoint, await listMounts()), { type: 'fuse.leasefs', source: 'leasefs@127.0.0.1:7400' })
  await unmount()
})

t.test('what is open is flushed and released before a mount has closed', async t => {
  const { path, fileSystem, mount } = await mounted(t)
  const calls: string[] = []
  const create = fileSystem.create.bind(fileSystem)
  fileSystem.create = async (...args) => {
    const { file, attributes } = await create(...args)
    const close = async () => {
      await new Promise(resolve => setTimeout(resolve, 50))
      calls.push('closed')
    }
    return { attributes, file: { ...file, close } }
  }
  const file = await open(join(path, 'f'), 'w')
  await file.write('x')
  await file.close()
  await mount.unmount()
  t.same(calls, ['closed'])
})

t.test('a mount that someone else takes away has closed', async t => {
  const { path, mount } = await mounted(t)
  const [command, ...rest] = process.getuid?.() === 0 ? ['umount'] : ['fusermount', '-u']
  await promisify(execFile)(command as string, [...rest, path])
  await mount.closed
  await mount.unmount()
})

t.test('a mount point that will not do is refused before anything is opened', async t => {
  const path = t.testdir({ full: { file: 'x' } })
  await t.rejects(mount({ ...options, mountPoint: join(path, 'full') }), { code: 'NOT_EMPTY' })
  await t.rejects(mount({ ...options, mountPoint: join(path, 'none') }), { code: 'NOT_FOUND' })
})

t.test('a binding that is not there is refused', async t => {
  await t.rejects(mount({ ...options, mountPoint: t.testdir(), binding: 'kernel' }), { code: 'NOT_SUPPORTED' })
  await t.rejects(mount({ ...options, mountPoint: t.testdir(), fsname: 'a,suid' }), { code: 'INVALID_ARGUMENT' })
})
