import { execFile } from 'node:child_process'
import { chmod, mkdir, open, readFile, stat, unlink, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import t from 'tap'
import { silentLog } from '../../src/base/log.js'
import { SimulatedClock } from '../../src/base/simulated-clock.js'
import type { Ino } from '../../src/client/file-system.js'
import { rootIno } from '../../src/constants.js'
import { mount } from '../../src/fuse/mount.js'
import { listMounts, mountAt } from '../../src/fuse/mount-table.js'
import { bindingsHere, memoryMount } from '../mount/harness/memory-mount.js'
import { MemoryFileSystem } from './harness/memory-file-system.js'
import { mounted } from './harness/mounted.js'

const fileSystem = new MemoryFileSystem(new SimulatedClock())
const isRoot = process.getuid?.() === 0
const newInode = { mode: 0o644, uid: 0, gid: 0 }
const newFile = { read: true, write: true, exclusive: true }
const options = { fileSystem, binding: 'auto', log: silentLog } as const

t.test('a mount can be used, unmounted, and mounted again', async t => {
  const { path, fileSystem, mount: first } = await mounted(t)
  await writeFile(join(path, 'f'), 'kept')
  await first.unmount()
  await first.unmount()
  await t.rejects(stat(join(path, 'f')), { code: 'ENOENT' })
  const second = await mount({ ...options, fileSystem, mountPoint: path })
  t.equal(await readFile(join(path, 'f'), 'utf8'), 'kept')
  await second.unmount()
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

t.test('what can not be asked for is refused', async t => {
  await t.rejects(mount({ ...options, mountPoint: t.testdir(), fsname: 'a,suid' }), { code: 'INVALID_ARGUMENT' })
  const exclusive = { ...options, mountPoint: t.testdir(), binding: 'fuse-native', exclusive: true } as const
  await t.rejects(mount(exclusive), { code: 'NOT_SUPPORTED', message: /only "kernel" can/ })
})

for (const binding of bindingsHere) {
  t.test(`${binding}: a mount that may only be read refuses every change`, async t => {
    const { path, fileSystem } = await mounted(t, { binding, readOnly: true })
    const { file } = await fileSystem.create(rootIno as Ino, Buffer.from('f'), newInode, newFile)
    await file.write(0, Buffer.from('text'))
    await file.close()
    t.equal(await readFile(join(path, 'f'), 'utf8'), 'text')
    const changes: [what: string, change: () => Promise<unknown>][] = [
      ['open', () => open(join(path, 'f'), 'r+')],
      ['create', () => writeFile(join(path, 'g'), '')],
      ['chmod', () => chmod(join(path, 'f'), 0o600)],
      ['times', () => utimes(join(path, 'f'), 1, 1)],
      ['unlink', () => unlink(join(path, 'f'))],
      ['mkdir', () => mkdir(join(path, 'd'))],
    ]
    for (const [what, change] of changes) await t.rejects(change(), { code: 'EROFS' }, what)
  })

  t.test(`${binding}: others are let in if asked for`, { skip: !isRoot && 'root lets in' }, async t => {
    const nobody = { uid: 65534, gid: 65534 }
    const list = (path: string) => promisify(execFile)('ls', [path], { cwd: '/', ...nobody })
    const open = await memoryMount(t, { binding })
    t.match(await list(open.path), { stdout: '' })
    const closed = await memoryMount(t, { binding, allowOther: false })
    await t.rejects(list(closed.path), /Permission denied/)
  })

  t.test(`${binding}: the mount table names its source and type`, async t => {
    const { path } = await mounted(t, { binding, fsname: 'leasefs@127.0.0.1:7400' })
    t.match(mountAt(path, await listMounts()), { type: 'fuse.leasefs', source: 'leasefs@127.0.0.1:7400' })
    const { stdout } = await promisify(execFile)('df', ['-T', path])
    t.match(stdout, /^leasefs@127\.0\.0\.1:7400 +fuse\.leasefs /m)
  })
}
