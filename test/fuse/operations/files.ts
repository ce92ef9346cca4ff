import { constants } from 'node:fs'
import t from 'tap'
import { deferred } from '../../../src/base/deferred.js'
import { silentLog } from '../../../src/base/log.js'
import { SimulatedClock } from '../../../src/base/simulated-clock.js'
import type { FileSystem, OpenFile } from '../../../src/client/file-system.js'
import { AccessTimes } from '../../../src/fuse/operations/access-times.js'
import { Files, openOptions } from '../../../src/fuse/operations/files.js'
import { Names } from '../../../src/fuse/operations/names.js'
import { MemoryFileSystem } from '../harness/memory-file-system.js'
import { caller, memoryOperations, name, root } from '../harness/memory-operations.js'

const { O_RDONLY, O_WRONLY, O_RDWR, O_APPEND, O_TRUNC, O_SYNC, O_DSYNC, O_CREAT, O_EXCL } = constants

t.test('open flags say what may be done', async t => {
  const none = { read: false, write: false, append: false, truncate: false, sync: false }
  t.same(openOptions(O_RDONLY), { ...none, read: true })
  t.same(openOptions(O_WRONLY | O_APPEND), { ...none, write: true, append: true })
  t.same(openOptions(O_RDWR | O_TRUNC), { ...none, read: true, write: true, truncate: true })
  t.same(openOptions(O_WRONLY | O_SYNC), { ...none, write: true, sync: true })
  t.same(openOptions(O_WRONLY | O_DSYNC), { ...none, write: true, sync: true })
})

t.test('what is written through one handle is read through another', async t => {
  const { files } = memoryOperations().operations
  const { handle, attributes } = await files.create(root, name('f'), 0o100644, caller, O_CREAT | O_RDWR)
  t.match(attributes, { kind: 'file', mode: 0o644, ...caller })
  await files.write(handle, 0, name('hello'))
  const reader = await files.open(attributes.ino, O_RDONLY)
  t.equal(String(Buffer.concat(await files.read(reader, 1, 100))), 'ello')
  t.equal(files.inoOf(reader), attributes.ino)
})

t.test('O_EXCL refuses a name that is there, and its absence opens it', async t => {
  const { files } = memoryOperations().operations
  await files.create(root, name('f'), 0o644, caller, O_CREAT | O_EXCL | O_RDWR)
  await t.rejects(files.create(root, name('f'), 0o644, caller, O_CREAT | O_EXCL), { code: 'ALREADY_EXISTS' })
  await files.create(root, name('f'), 0o644, caller, O_CREAT)
  t.equal(files.openCount, 2, 'a refused one takes no handle')
})

t.test('an unlinked file lives until its last handle is released', async t => {
  const { operations, fileSystem } = memoryOperations()
  const { files, names } = operations
  const { handle, attributes } = await files.create(root, name('f'), 0o644, caller, O_RDWR)
  const second = await files.open(attributes.ino, O_RDWR)
  await names.unlink(root, name('f'))
  await files.write(handle, 0, name('x'))
  await files.release(handle)
  t.ok(files.isOpen(attributes.ino))
  t.equal(String(Buffer.concat(await files.read(second, 0, 1))), 'x')
  await files.release(second)
  t.notOk(files.isOpen(attributes.ino))
  t.equal(fileSystem.inodeCount, 1)
  await t.rejects(files.read(second, 0, 1), { code: 'BAD_HANDLE' })
})

t.test('flush reports what a write has lost, for handles that write', async t => {
  const calls: string[] = []
  const lost = Promise.reject(Object.assign(new Error('lost'), { code: 'IO' }))
  lost.catch(() => {})
  const file = { ino: root, flush: () => lost, close: async () => void calls.push('close') }
  const files = filesOf({ open: async () => file as unknown as OpenFile })
  await t.rejects(files.flush(await files.open(root, O_WRONLY)), { code: 'IO' })
  await files.flush(await files.open(root, O_RDONLY))
  t.same(calls, [])
})

t.test('closing waits for every file, and survives one that fails', async t => {
  const end = deferred<void>()
  const failing = { ino: root, close: () => Promise.reject(new Error('lost')) }
  const slow = { ino: root, close: () => end.promise }
  const opened = [failing, slow] as unknown as OpenFile[]
  const files = filesOf({ open: async () => opened.pop() as OpenFile })
  await files.open(root, O_RDONLY)
  await files.open(root, O_RDONLY)
  let isClosed = false
  const closed = files.close().then(() => {
    isClosed = true
  })
  await new Promise(resolve => setImmediate(resolve))
  t.notOk(isClosed)
  end.resolve()
  await closed
  t.equal(files.openCount, 0)
})

function filesOf(changes: Partial<FileSystem>): Files {
  const clock = new SimulatedClock()
  const fileSystem: FileSystem = Object.assign(new MemoryFileSystem(clock), changes)
  const accessTimes = new AccessTimes(fileSystem, clock, 'relatime', silentLog)
  return new Files({ fileSystem, names: new Names(fileSystem, accessTimes), accessTimes, log: silentLog })
}
