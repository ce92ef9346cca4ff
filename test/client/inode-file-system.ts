import t from 'tap'
import { compareTimes } from '../../src/client/attributes.js'
import { rootIno, trashIno } from '../../src/constants.js'
import { MasterService } from '../../src/wire/gen/services.js'
import type { Ino } from '../../src/wire/ids.js'
import { startCluster } from './harness/cluster.js'

const root = rootIno as Ino
const inode = { mode: 0o644, uid: 3, gid: 4 }
const options = { read: true, write: true, exclusive: true }
const name = (text: string) => Buffer.from(text)

t.test('files of all kinds', async t => {
  const fs = await (await startCluster(t)).client()

  await t.test('are made, with what was asked for', async t => {
    const { attributes, file } = await fs.create(root, name('f'), inode, options)
    t.match(attributes, { kind: 'file', mode: 0o644, uid: 3, gid: 4, size: 0, nlink: 1 })
    await file.close()
    t.match(await fs.makeDirectory(root, name('d'), { ...inode, mode: 0o755 }), { kind: 'directory', nlink: 2 })
    const link = await fs.makeSymlink(root, name('l'), name('target'), inode)
    t.same(await fs.readSymlink(link.ino), name('target'))
    t.match(await fs.makeNode(root, name('n'), 'character-device', 259, inode), { kind: 'character-device', rdev: 259 })
    t.match(await fs.makeNode(root, name('p'), 'fifo', 0, inode), { kind: 'fifo' })
    const { entries, parent } = await fs.readDirectory(root)
    t.same(
      entries.map(entry => entry.name.toString()),
      ['d', 'f', 'l', 'n', 'p'],
    )
    t.equal(parent, root)
  })

  await t.test('only files are opened', async t => {
    for (const [entry, code] of [
      ['d', 'IS_A_DIRECTORY'],
      ['p', 'INVALID_ARGUMENT'],
    ] as const) {
      const { ino } = await fs.lookup(root, name(entry))
      await t.rejects(fs.open(ino, options), { code }, entry)
    }
  })

  await t.test('a name that is taken', async t => {
    await t.rejects(fs.create(root, name('f'), inode, options), { code: 'ALREADY_EXISTS' })
    const { attributes, file } = await fs.create(root, name('f'), inode, { ...options, exclusive: false })
    t.equal(attributes.ino, (await fs.lookup(root, name('f'))).ino, 'is opened if that is allowed')
    await file.close()
  })

  await t.test('names move, and are exchanged', async t => {
    const [d, f] = [await fs.lookup(root, name('d')), await fs.lookup(root, name('f'))]
    await fs.rename(root, name('f'), d.ino, name('g'))
    t.equal((await fs.resolve(root, [name('d'), name('g')])).at(-1)?.ino, f.ino)
    await t.rejects(fs.lookup(root, name('f')), { code: 'NOT_FOUND' })
    await t.rejects(fs.rename(d.ino, name('g'), root, name('p'), { noReplace: true }), { code: 'ALREADY_EXISTS' })
    await fs.rename(d.ino, name('g'), root, name('p'), { exchange: true })
    t.equal((await fs.lookup(root, name('p'))).kind, 'file')
    t.equal((await fs.lookup(d.ino, name('g'))).kind, 'fifo')
  })

  await t.test('links count', async t => {
    const { ino } = await fs.lookup(root, name('p'))
    t.equal((await fs.link(ino, root, name('q'))).nlink, 2)
    await fs.unlink(root, name('p'))
    t.equal((await fs.getAttributes(ino)).nlink, 1)
  })

  await t.test('directories are removed when they are empty', async t => {
    await t.rejects(fs.removeDirectory(root, name('d')), { code: 'NOT_EMPTY' })
    const { ino } = await fs.lookup(root, name('d'))
    await fs.unlink(ino, name('g'))
    await fs.removeDirectory(root, name('d'))
    await t.rejects(fs.lookup(root, name('d')), { code: 'NOT_FOUND' })
  })

  await t.test('extended attributes', async t => {
    const { ino } = await fs.lookup(root, name('q'))
    await fs.setXattr(ino, name('user.a'), name('1'))
    t.same(await fs.getXattr(ino, name('user.a')), name('1'))
    await t.rejects(fs.setXattr(ino, name('user.a'), name('2'), { createOnly: true }), { code: 'ALREADY_EXISTS' })
    await t.rejects(fs.setXattr(ino, name('user.b'), name('2'), { replaceOnly: true }), { code: 'NO_ATTRIBUTE' })
    t.same(await fs.listXattrs(ino), [name('user.a')])
    await fs.removeXattr(ino, name('user.a'))
    await t.rejects(fs.getXattr(ino, name('user.a')), { code: 'NO_ATTRIBUTE' })
  })

  await t.test('what is no name, number or size is refused before anything is sent', async t => {
    const bad = { code: 'INVALID_ARGUMENT' }
    await t.rejects(fs.lookup(root, name('a/b')), bad)
    await t.rejects(fs.resolve(root, [name('..')]), bad)
    await t.rejects(fs.makeDirectory(root, name('x'), { ...inode, uid: -1 }), bad)
    await t.rejects(fs.setAttributes(root, { mode: 2 ** 40 }), bad)
    await t.rejects(fs.makeSymlink(root, name('x'), Buffer.alloc(5000, 'a'), inode), { code: 'NAME_TOO_LONG' })
    await t.rejects(fs.makeSymlink(root, name('x'), Buffer.alloc(0), inode), { code: 'NOT_FOUND' })
  })

  await t.test('space', async t => {
    const { totalBytes, freeBytes } = await fs.statistics()
    t.ok(totalBytes > 0 && freeBytes <= totalBytes)
  })
})

t.test('open with truncate empties the file, with what was not pushed yet', async t => {
  const fs = await (await startCluster(t)).client()
  const { attributes, file } = await fs.create(root, name('f'), inode, options)
  await file.write(0, name('text'))
  const again = await fs.open(attributes.ino, { ...options, truncate: true })
  t.equal((await fs.getAttributes(attributes.ino)).size, 0)
  t.equal((await again.read(0, 10)).length, 0)
  await again.close()
  await file.close()
})

t.test('close flushes, reports what was lost, and is once', async t => {
  const cluster = await startCluster(t)
  const fs = await cluster.client({ timeoutMs: 300 })
  const { file } = await fs.create(root, name('f'), inode, options)
  await file.write(0, name('text'))
  for (const { address } of cluster.servers) cluster.control.silence(address)
  const closing = fs.close()
  t.equal(fs.close(), closing)
  await t.rejects(closing)
  for (const { address } of cluster.servers) cluster.control.heal(address)
})

t.test('fsync of a directory asks the master', async t => {
  const fs = await (await startCluster(t)).client()
  await fs.makeDirectory(root, name('d'), inode)
  await t.resolves(fs.syncInode(root))
})

t.test('what one client changes beside the bytes, another sees', async t => {
  const cluster = await startCluster(t)
  const [one, two] = [await cluster.client(), await cluster.client()]
  const { attributes, file } = await one.create(root, name('f'), { ...inode, mode: 0o6755 }, options)
  const { ino } = attributes

  await t.test('extended attributes, also that there are none', async t => {
    const none = { code: 'NO_ATTRIBUTE' }
    for (const fs of [one, two]) await t.rejects(fs.getXattr(ino, name('user.a')), none)
    await two.setXattr(ino, name('user.a'), name('1'))
    for (const fs of [one, two]) t.same(await fs.getXattr(ino, name('user.a')), name('1'))
    await one.removeXattr(ino, name('user.a'))
    for (const fs of [one, two]) t.same(await fs.listXattrs(ino), [])
  })

  await t.test('access times, at once here and soon there', async t => {
    const later = (fs: typeof one) =>
      fs.getAttributes(ino).then(({ atime }) => compareTimes(atime, attributes.atime) > 0)
    await two.getAttributes(ino)
    one.accessed(ino)
    t.ok(await later(one))
    for (let tries = 0; !(await later(two)); tries++) {
      if (tries === 1000) return t.fail('it was not told')
      await new Promise(resolve => setImmediate(resolve))
    }
    const atime = { seconds: 5, nanos: 6 }
    one.accessed(ino)
    t.match(await one.setAttributes(ino, { atime }), { atime })
    for (const fs of [one, two]) t.match(await fs.getAttributes(ino), { atime }, 'a time that is set is not undone')
  })

  await t.test('privileges that were taken', async t => {
    await two.getAttributes(ino)
    t.match(await one.setAttributes(ino, { killPrivileges: true }), { mode: 0o755 })
    t.match(await two.getAttributes(ino), { mode: 0o755 })
  })
  await file.close()
})

t.test('a directory is read by pages', async t => {
  const fs = await (await startCluster(t)).client()
  const names = Array.from({ length: 1001 }, (_, at) => name(`f${1000 + at}`))
  for (const each of names) await fs.makeNode(root, each, 'file', 0, inode)
  const first = await fs.readDirectoryPage(root, Buffer.alloc(0))
  t.match(first, { more: true, parent: root })
  t.equal(first.entries.length, 1000)
  const second = await fs.readDirectoryPage(root, first.entries.at(-1)?.name ?? Buffer.alloc(0))
  t.match(second, { more: false, entries: [{ name: name('f2000') }] })
})

t.test('locks', async t => {
  const cluster = await startCluster(t)
  const [one, two] = [await cluster.client(), await cluster.client()]
  const { attributes, file } = await one.create(root, name('f'), inode, options)
  const { ino } = attributes
  const lock = { kind: 'posix', type: 'exclusive', start: 0, end: Infinity, owner: 1n, pid: 11 } as const
  const now = { wait: false }

  await t.test('exclude across clients, and tell what was written before', async t => {
    await one.setLock(ino, lock, now)
    await t.rejects(two.setLock(ino, lock, now), { code: 'WOULD_BLOCK' })
    t.match(await two.findLock(ino, lock), { pid: 11, type: 'exclusive', start: 0, end: Infinity })
    const reader = await two.open(ino, { read: true, write: false })
    t.same(await reader.read(0, 10), [])
    const waiting = two.setLock(ino, lock, { wait: true })
    await file.write(0, name('text'))
    await one.unlock(ino, lock)
    await waiting
    t.equal(String(Buffer.concat(await reader.read(0, 10))), 'text')
    t.notOk(one.holdsLocks(ino, 'posix', 1n))
    t.ok(two.holdsLocks(ino, 'posix', 1n))
    await reader.close()
  })

  await t.test('are waited for until the wait is interrupted', async t => {
    const end = new AbortController()
    const waiting = one.setLock(ino, lock, { wait: true, signal: end.signal })
    setImmediate(() => end.abort())
    await t.rejects(waiting, { code: 'CANCELLED' })
    t.notOk(one.holdsLocks(ino, 'posix', 1n))
  })

  await t.test('go with the client', async t => {
    const waiting = one.setLock(ino, lock, { wait: true })
    await two.close()
    await waiting
    t.ok(one.holdsLocks(ino, 'posix', 1n))
  })
  await file.close()
})

t.test('a client has a name for traces', async t => {
  t.match((await (await startCluster(t)).client()).who, /^client:\d+$/)
})

t.test('a file in the trash is read, and not changed', async t => {
  const fs = await (await startCluster(t, { trashMs: 60_000 })).client()
  const { attributes, file } = await fs.create(root, name('f'), inode, options)
  const { ino } = attributes
  await file.write(0, name('content'))
  await file.close()
  await fs.unlink(root, name('f'), { uid: 3 })
  await until(async () => (await fs.getAttributes(ino)).trashed === true)
  for (const how of [{ write: true }, { write: false, truncate: true }]) {
    await t.rejects(fs.open(ino, { read: true, ...how }), { code: 'NOT_PERMITTED' })
  }
  for (const changes of [{ size: 0 }, { mode: 0o777 }, { mtime: 'now' }] as const) {
    await t.rejects(fs.setAttributes(ino, changes), { code: 'NOT_PERMITTED' })
  }
  const reader = await fs.open(ino, { read: true, write: false })
  t.equal(String(Buffer.concat(await reader.read(0, 10))), 'content')
  await reader.close()

  const [owner] = (await fs.readDirectory(trashIno as Ino)).entries
  const [entry] = (await fs.readDirectory(owner?.attributes.ino ?? root)).entries
  t.match([owner, entry], [{ name: name('3') }, { name: name(`${ino}-f`) }])
  await fs.rename(owner?.attributes.ino ?? root, entry?.name ?? name(''), root, name('g'))
  t.notOk((await fs.getAttributes(ino)).trashed)
  await (await fs.open(ino, { read: true, write: true, truncate: true })).close()
})

async function until(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) await new Promise(resolve => setTimeout(resolve, 10))
}

t.test('a file leaves the trash when its time is up', async t => {
  const cluster = await startCluster(t, { trashMs: 100 })
  const fs = await cluster.client()
  const { attributes, file } = await fs.create(root, name('f'), inode, options)
  await file.write(0, name('content'))
  await file.close()
  await fs.unlink(root, name('f'))
  const peer = cluster.control.connect(cluster.master.address)
  t.teardown(() => peer.close())
  const status = () => peer.call(MasterService.status, {}, { timeoutMs: 5000 })
  t.match(await status(), { trash: { retentionMs: 100 } })
  await until(async () => (await status()).trash?.files === 0 && (await status()).chunks === 0)
  await until(async () => (await status()).servers.every(({ replicas }) => replicas === 0))
  await t.rejects(fs.getAttributes(attributes.ino), { code: 'NOT_FOUND' })
})
