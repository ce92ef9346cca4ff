import t from 'tap'
import { rootIno } from '../../src/constants.js'
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

t.test('a client has a name for traces', async t => {
  t.match((await (await startCluster(t)).client()).who, /^client:\d+$/)
})
