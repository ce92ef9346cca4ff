import { constants } from 'node:fs'
import t from 'tap'
import { deferred } from '../../../src/base/deferred.js'
import { LeasefsError } from '../../../src/base/errors.js'
import { silentLog } from '../../../src/base/log.js'
import { SimulatedClock } from '../../../src/base/simulated-clock.js'
import { MemorySurvivingMap, nothingSurvives } from '../../../src/base/surviving-map.js'
import type { FileSystem, OpenFile } from '../../../src/client/file-system.js'
import { AccessTimes } from '../../../src/fuse/operations/access-times.js'
import { Files, openOptions, whence } from '../../../src/fuse/operations/files.js'
import { Names } from '../../../src/fuse/operations/names.js'
import { Operations } from '../../../src/fuse/operations.js'
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

t.test('appending handles write one after the other, wherever the end is', async t => {
  const { files } = memoryOperations().operations
  const { handle, attributes } = await files.create(root, name('f'), 0o644, caller, O_WRONLY | O_APPEND)
  const second = await files.open(attributes.ino, O_RDWR | O_APPEND)
  await files.write(handle, 0, name('a'))
  await files.write(second, 0, name('b'))
  await files.write(handle, 0, name('c'))
  t.equal(String(Buffer.concat(await files.read(second, 0, 10))), 'abc')
})

t.test('a descriptor that may not write does not', async t => {
  const { files } = memoryOperations().operations
  const { handle } = await files.create(root, name('f'), 0o644, caller, O_RDONLY)
  await t.rejects(files.write(handle, 0, name('x')), { code: 'BAD_HANDLE' })
})

t.test('data and holes are sought', async t => {
  const { files } = memoryOperations().operations
  const { handle } = await files.create(root, name('f'), 0o644, caller, O_RDWR)
  await files.write(handle, 100_000, name('x'))
  t.equal(await files.seek(handle, 0, whence.data), 98_304)
  t.equal(await files.seek(handle, 98_304, whence.hole), 100_001, 'the end counts as one')
  for (const offset of [100_001, -1]) {
    await t.rejects(files.seek(handle, offset, whence.hole), { name: 'KernelError' })
  }
  await t.rejects(files.seek(handle, 0, 0), { code: 'INVALID_ARGUMENT' })
})

const all = { start: 0, end: Infinity }

t.test('closing any descriptor gives up the POSIX locks of the process, and releasing one its flock', async t => {
  const { operations, fileSystem } = memoryOperations()
  const { files, locks } = operations
  const { handle, attributes } = await files.create(root, name('f'), 0o644, caller, O_RDWR)
  const { ino } = attributes
  const second = await files.open(ino, O_RDONLY)
  await locks.set(ino, { kind: 'posix', type: 'exclusive', ...all, owner: 1n, pid: 1 }, { wait: false })
  await locks.set(ino, { kind: 'flock', type: 'exclusive', ...all, owner: 2n, pid: 1 }, { wait: false })
  await files.flush(second, 9n)
  t.ok(fileSystem.holdsLocks(ino, 'posix', 1n), 'another process holds it')
  await files.flush(second, 1n)
  t.notOk(fileSystem.holdsLocks(ino, 'posix', 1n))
  await files.release(second, 9n)
  t.ok(fileSystem.holdsLocks(ino, 'flock', 2n))
  await files.release(handle, 2n)
  t.notOk(fileSystem.holdsLocks(ino, 'flock', 2n))
})

t.test('locks are given up also when the flush fails; where that fails the close does not', async t => {
  const calls: string[] = []
  const file = { ino: root, flush: () => Promise.reject(new Error('lost')), close: async () => {} }
  const files = filesOf({
    open: async () => file as unknown as OpenFile,
    holdsLocks: () => true,
    unlock: async () => {
      calls.push('unlock')
      throw new Error('no master')
    },
  })
  const handle = await files.open(root, O_RDWR)
  await t.rejects(files.flush(handle, 1n), { message: 'lost' })
  await files.release(handle, 1n)
  t.same(calls, ['unlock', 'unlock'])
})

t.test('the kernel keeps its pages unless a read is to be noted', async t => {
  const { operations, clock } = memoryOperations()
  const { files, attributes } = operations
  const made = await files.create(root, name('f'), 0o644, caller, O_RDWR)
  const { ino } = made.attributes
  const mayKeep = async (flags: number) => files.mayKeepPages(await files.open(ino, flags))
  t.notOk(await mayKeep(O_RDONLY), 'it has been written and not been read')
  t.ok(await mayKeep(O_WRONLY), 'who does not read notes nothing')
  t.ok(await mayKeep(O_RDONLY | constants.O_NOATIME))
  await clock.advance(1000)
  await files.read(made.handle, 0, 10)
  t.ok((await attributes.get(ino)).atime.seconds > made.attributes.atime.seconds)
  t.ok(await mayKeep(O_RDONLY))

  const strict = memoryOperations({ atime: 'strictatime' }).operations.files
  t.notOk(strict.mayKeepPages((await strict.create(root, name('f'), 0o644, caller, O_RDONLY)).handle))
  const never = memoryOperations({ atime: 'noatime' }).operations.files
  t.ok(never.mayKeepPages((await never.create(root, name('f'), 0o644, caller, O_RDONLY)).handle))
})

t.test('a reader with O_NOATIME leaves no trace', async t => {
  const { operations, clock } = memoryOperations()
  const { files, attributes } = operations
  const made = await files.create(root, name('f'), 0o644, caller, O_RDWR | constants.O_NOATIME)
  await clock.advance(1000)
  await files.read(made.handle, 0, 10)
  t.same((await attributes.get(made.attributes.ino)).atime, made.attributes.atime)
})

t.test('an open that can not be finished is closed again', async t => {
  const calls: string[] = []
  const file = { ino: root, close: async () => void calls.push('close') }
  const files = filesOf({
    open: async () => file as unknown as OpenFile,
    getAttributes: () => Promise.reject(new Error('gone')),
  })
  await t.rejects(files.open(root, O_RDONLY), { message: 'gone' })
  t.same(calls, ['close'])
  t.equal(files.openCount, 0)
})

function filesOf(changes: Partial<FileSystem>): Files {
  const clock = new SimulatedClock()
  const fileSystem: FileSystem = Object.assign(new MemoryFileSystem(clock), changes)
  const accessTimes = new AccessTimes(fileSystem, clock, 'relatime', silentLog)
  return new Files({
    fileSystem,
    names: new Names(fileSystem, accessTimes),
    accessTimes,
    log: silentLog,
    surviving: nothingSurvives,
  })
}

t.test('the next process has open what was open, under the same numbers, and no more', async t => {
  const map = new MemorySurvivingMap()
  const { fileSystem, clock, operations } = memoryOperations({ surviving: map })
  const { handle, attributes } = await operations.files.create(root, name('f'), 0o644, caller, O_CREAT | O_RDWR)
  await operations.files.write(handle, 0, name('hello'))
  const truncating = await operations.files.open(attributes.ino, O_WRONLY | O_TRUNC)
  await operations.files.write(handle, 0, name('again'))
  const closed = await operations.files.open(attributes.ino, O_RDONLY)
  await operations.files.release(closed)

  const { files } = new Operations(fileSystem, silentLog, { clock, surviving: map.next() })
  await files.resume()
  t.equal(files.openCount, 2)
  t.equal(String(Buffer.concat(await files.read(handle, 0, 100))), 'again', 'nothing was truncated a second time')
  await t.rejects(files.read(truncating, 0, 1), { code: 'BAD_HANDLE' })
  await files.write(truncating, 0, name('A'))
  await t.rejects(files.read(closed, 0, 1), { code: 'BAD_HANDLE' })
  t.notOk([handle, truncating].includes(await files.open(attributes.ino, O_RDONLY)))
})

t.test('a file that can not be opened again is lost, and says so until it is closed', async t => {
  const map = new MemorySurvivingMap()
  map.put('file/5', { ino: 999, flags: O_RDWR })
  const { fileSystem, operations } = memoryOperations({ surviving: map.next() })
  fileSystem.open = () => Promise.reject(new LeasefsError('NOT_FOUND', 'gone'))
  await operations.resume()
  await t.rejects(operations.files.read(5, 0, 1), { code: 'IO' })
  await t.rejects(operations.files.write(5, 0, name('x')), { code: 'IO' })
  await operations.files.release(5)
})
