import t from 'tap'
import { silentLog } from '../../../src/base/log.js'
import { MemorySurvivingMap } from '../../../src/base/surviving-map.js'
import type { ListedEntry } from '../../../src/fuse/operations/directories.js'
import { Operations } from '../../../src/fuse/operations.js'
import { caller, memoryOperations, name, root } from '../harness/memory-operations.js'

const namesOf = (entries: readonly ListedEntry[]) => entries.map(entry => String(entry.name))

/** A directory with entries of these names; its pages have four. */
async function directoryOf(...each: readonly string[]) {
  const { operations, fileSystem } = memoryOperations()
  for (const one of each) await operations.names.makeDirectory(root, name(one), 0o755, caller)
  return { ...operations, fileSystem, handle: await operations.directories.open(root) }
}

t.test('a listing begins with the directory and its parent', async t => {
  const { directories, names } = await directoryOf()
  const { ino } = await names.makeDirectory(root, name('d'), 0o755, caller)
  const inner = await names.makeDirectory(ino, name('e'), 0o755, caller)
  const listed = await directories.list(ino)
  t.same(
    listed.map(({ name, ino, kind }) => [String(name), ino, kind]),
    [
      ['.', ino, 'directory'],
      ['..', root, 'directory'],
      ['e', inner.ino, 'directory'],
    ],
  )
})

t.test('what was read keeps its offset, whatever happens meanwhile', async t => {
  const { directories, names, handle } = await directoryOf('b', 'd', 'f')
  t.same(namesOf(await directories.read(handle, 0, 100)), ['.', '..', 'b', 'd', 'f'])
  await names.removeDirectory(root, name('b'))
  await names.makeDirectory(root, name('a'), 0o755, caller)
  t.same(namesOf(await directories.read(handle, 3, 100)), ['d', 'f'], 'none is left out, none comes twice')
  t.same(namesOf(await directories.read(handle, 5, 100)), [])
  t.same(namesOf(await directories.read(handle, 0, 100)), ['.', '..', 'a', 'd', 'f'], 'rewinding looks again')
  directories.release(handle)
  await t.rejects(directories.read(handle, 0, 100), { code: 'BAD_HANDLE' })
})

t.test('pages are fetched as they are read', async t => {
  const { directories, names, fileSystem, handle } = await directoryOf('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i')
  const pages: string[] = []
  const readPage = fileSystem.readDirectoryPage.bind(fileSystem)
  fileSystem.readDirectoryPage = (ino, after) => {
    pages.push(String(after))
    return readPage(ino, after)
  }
  t.same(namesOf(await directories.read(handle, 0, 3)), ['.', '..', 'a'])
  t.same(namesOf(await directories.read(handle, 3, 100)), ['b', 'c', 'd'], 'what is there is given at once')
  t.same(pages, [''])
  await names.removeDirectory(root, name('d'))
  await names.removeDirectory(root, name('f'))
  await names.makeDirectory(root, name('aa'), 0o755, caller)
  await names.makeDirectory(root, name('j'), 0o755, caller)
  t.same(namesOf(await directories.read(handle, 6, 100)), ['e', 'g', 'h', 'i'], 'after the last name that was read')
  t.same(namesOf(await directories.read(handle, 10, 100)), ['j'])
  t.same(namesOf(await directories.read(handle, 11, 100)), [])
  t.same(namesOf(await directories.read(handle, 6, 2)), ['e', 'g'], 'one may go back')
  t.same(pages, ['', 'd', 'i'])
})

t.test('a handle that begins in the middle finds its place', async t => {
  const { directories, handle } = await directoryOf('a', 'b', 'c', 'd', 'e', 'f')
  t.same(namesOf(await directories.read(handle, 7, 100)), ['f'])
})

t.test('reads of one handle follow one another', async t => {
  const { directories, handle } = await directoryOf('a', 'b', 'c', 'd', 'e', 'f')
  const reads = await Promise.all([0, 6, 7].map(offset => directories.read(handle, offset, 100)))
  t.same(reads.map(namesOf), [['.', '..', 'a', 'b', 'c', 'd'], ['e', 'f'], ['f']])
})

t.test('attributes are as they are when the entry is read, not when its page came', async t => {
  const { directories, names, attributes, handle } = await directoryOf('a', 'b', 'c')
  t.equal((await directories.read(handle, 0, 1)).length, 1)
  const { ino } = await names.lookup(root, name('a'))
  await attributes.set(ino, { mode: 0o700 })
  await names.removeDirectory(root, name('b'))
  const [a, b, c] = await directories.read(handle, 2, 3)
  t.match(a?.attributes, { ino, mode: 0o700 })
  t.match(b, { kind: 'directory', attributes: undefined }, 'what has gone has none')
  t.ok(c?.attributes)
  const [plain] = await directories.read(handle, 2, 1, { attributes: false })
  t.match(plain, { ino, attributes: undefined })
})

t.test('another inode under the name lends it no attributes', async t => {
  const { directories, names, handle } = await directoryOf('a')
  await directories.read(handle, 0, 1)
  await names.removeDirectory(root, name('a'))
  await names.makeDirectory(root, name('a'), 0o755, caller)
  t.match(await directories.read(handle, 2, 1), [{ attributes: undefined }])
})

t.test('attributes that would have to be asked for are not waited for', async t => {
  const { directories, fileSystem, handle } = await directoryOf('a', 'b')
  const lookup = fileSystem.lookup.bind(fileSystem)
  fileSystem.lookup = async (parent, entry) => {
    if (String(entry) === 'a') await new Promise(resolve => setImmediate(resolve))
    return lookup(parent, entry)
  }
  const [a, b] = await directories.read(handle, 2, 2)
  t.equal(a?.attributes, undefined)
  t.ok(b?.attributes)
})

t.test('listing is noted in the access time', async t => {
  const { operations, clock } = memoryOperations()
  await clock.advance(1000)
  const handle = await operations.directories.open(root)
  await operations.directories.read(handle, 0, 10)
  t.equal((await operations.attributes.get(root)).atime.seconds, Number(clock.wallNs() / 1_000_000_000n))
})

t.test('what is no directory can not be listed', async t => {
  const { directories, names } = await directoryOf()
  const { ino } = await names.makeNode(root, name('f'), 'file', 0o644, 0, caller)
  await t.rejects(directories.list(ino), { code: 'NOT_A_DIRECTORY' })
  const handle = await directories.open(ino)
  await t.rejects(directories.read(handle, 0, 10), { code: 'NOT_A_DIRECTORY' })
  await directories.sync(root)
})

t.test('the next process goes on where the reader was, whatever was removed meanwhile', async t => {
  const map = new MemorySurvivingMap()
  const { fileSystem, clock, operations } = memoryOperations({ surviving: map })
  for (const one of ['a', 'b', 'c', 'd', 'e', 'f']) {
    await operations.names.makeDirectory(root, name(one), 0o755, caller)
  }
  const handle = await operations.directories.open(root)
  const unread = await operations.directories.open(root)
  t.same(namesOf(await operations.directories.read(handle, 0, 3)), ['.', '..', 'a'])
  t.same(namesOf(await operations.directories.read(handle, 3, 2)), ['b', 'c'])
  for (const one of ['a', 'b']) await operations.names.removeDirectory(root, name(one))

  const next = map.next()
  const { directories } = new Operations(fileSystem, silentLog, { clock, surviving: next })
  directories.resume()
  t.same(namesOf(await directories.read(handle, 3, 1)), ['c'], 'from where it was, once more')
  t.same(namesOf(await directories.read(handle, 4, 1)), ['d'], 'or from anywhere in what it had last')
  const last = new Operations(fileSystem, silentLog, { clock, surviving: next.next() }).directories
  last.resume()
  t.same(namesOf(await last.read(handle, 5, 9)), ['e', 'f'])
  t.same(namesOf(await last.read(handle, 0, 9)), ['.', '..', 'c', 'd', 'e', 'f'], 'and from the start')
  t.same(namesOf(await last.read(unread, 0, 9)), ['.', '..', 'c', 'd', 'e', 'f'])
  t.not(await last.open(root), handle)
  last.release(handle)
  await t.rejects(last.read(handle, 0, 9), { code: 'BAD_HANDLE' })
})
