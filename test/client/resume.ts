// A client that was killed, and another that goes on where it was, with a real
// master and real chunkservers.

import t from 'tap'
import type { InodeFileSystem } from '../../src/client/inode-file-system.js'
import { rootIno } from '../../src/constants.js'
import type { Ino } from '../../src/wire/ids.js'
import { startCluster } from './harness/cluster.js'
import { Mortal } from './harness/mortal.js'

const root = rootIno as Ino
const name = (text: string) => Buffer.from(text)
const inode = { mode: 0o644, uid: 0, gid: 0 }
const writable = { read: true, write: true, exclusive: true }

async function read(fileSystem: InodeFileSystem, ino: Ino): Promise<string> {
  const file = await fileSystem.open(ino, { read: true, write: false })
  const text = Buffer.concat(await file.read(0, 100)).toString()
  await file.close()
  return text
}

t.test(
  'what was written and not pushed is there, for this client at once and for others when it is flushed',
  async t => {
    const cluster = await startCluster(t)
    const mortal = new Mortal(cluster)
    const first = await mortal.live()
    const { file, attributes } = await first.fileSystem.create(root, name('f'), inode, writable)
    await file.write(0, name('hello world'))
    await file.write(6, name('there'))
    mortal.die()

    const next = await mortal.live()
    const again = await next.fileSystem.open(attributes.ino, writable)
    next.fileSystem.resumed()
    t.equal(await read(next.fileSystem, attributes.ino), 'hello there')
    t.match(await next.fileSystem.lookup(root, name('f')), { size: 11 })
    await again.close()
    const other = await cluster.client()
    t.equal(await read(other, (await other.lookup(root, name('f'))).ino), 'hello there')
  },
)

t.test('what nobody has open any more is written all the same, and closed', async t => {
  const cluster = await startCluster(t)
  const mortal = new Mortal(cluster)
  const first = await mortal.live()
  const { file, attributes } = await first.fileSystem.create(root, name('f'), inode, writable)
  await file.write(0, name('hello'))
  mortal.die()
  const next = await mortal.live()
  next.fileSystem.resumed()
  await next.fileSystem.close()
  t.equal(await read(await cluster.client(), attributes.ino), 'hello')
})

t.test('a time that was set after a write is not undone', async t => {
  const cluster = await startCluster(t)
  const mortal = new Mortal(cluster)
  const first = await mortal.live()
  const { file, attributes } = await first.fileSystem.create(root, name('f'), inode, writable)
  await file.write(0, name('hello'))
  const mtime = { seconds: 1000, nanos: 5 }
  await first.fileSystem.setAttributes(attributes.ino, { mtime })
  mortal.die()
  const next = await mortal.live()
  next.fileSystem.resumed()
  await next.fileSystem.close()
  t.match(await (await cluster.client()).getAttributes(attributes.ino), { mtime, size: 5 })
})

t.test('a change that was made and not answered is not made again, and known as done', async t => {
  const cluster = await startCluster(t)
  const mortal = new Mortal(cluster)
  const first = await mortal.live()
  await first.fileSystem.makeDirectory(root, name('gone'), inode)
  // The master makes it, and the answer does not arrive.
  const making = first.fileSystem.makeDirectory(root, name('d'), { ...inode, cause: 100 })
  const removing = first.fileSystem.removeDirectory(root, name('gone'), { cause: 102 })
  making.catch(() => {})
  removing.catch(() => {})
  await new Promise(setImmediate)
  mortal.die()

  const next = await mortal.live()
  t.equal(next.survival.outcome(100), 'done')
  t.equal(next.survival.outcome(102), 'done')
  t.match(await next.fileSystem.lookup(root, name('d')), { kind: 'directory' })
  await t.rejects(next.fileSystem.lookup(root, name('gone')), { code: 'NOT_FOUND' })
  await next.fileSystem.makeDirectory(root, name('e'), inode)
})

t.test('locks are still held, and their holder known', async t => {
  const cluster = await startCluster(t)
  const mortal = new Mortal(cluster)
  const first = await mortal.live()
  const { attributes } = await first.fileSystem.create(root, name('f'), inode, writable)
  const lock = { kind: 'flock', type: 'exclusive', start: 0, end: Infinity, owner: 5n, pid: 1 } as const
  await first.fileSystem.setLock(attributes.ino, lock, { wait: false })
  mortal.die()
  const next = await mortal.live()
  t.ok(next.fileSystem.holdsLocks(attributes.ino, 'flock', 5n))
  const other = await cluster.client()
  const theirs = { ...lock, owner: 9n }
  await t.rejects(other.setLock(attributes.ino, theirs, { wait: false }), { code: 'WOULD_BLOCK' })
  await next.fileSystem.unlock(attributes.ino, lock)
  await other.setLock(attributes.ino, theirs, { wait: false })
})

t.test('the turn to append is given up, so that others get on', async t => {
  const cluster = await startCluster(t)
  const mortal = new Mortal(cluster)
  const first = await mortal.live()
  const append = { ...writable, append: true }
  const { file, attributes } = await first.fileSystem.create(root, name('f'), inode, append)
  await file.write(0, name('one '), { cause: 100 })
  mortal.die()
  const next = await mortal.live()
  t.equal(next.survival.outcome(100), 'done')
  const mine = await next.fileSystem.open(attributes.ino, append)
  next.fileSystem.resumed()
  const other = await cluster.client()
  const theirs = await other.open(attributes.ino, append)
  await theirs.write(0, name('two '))
  await theirs.close()
  await mine.write(0, name('three'))
  await mine.close()
  t.equal(await read(other, attributes.ino), 'one two three')
})

t.test('an error that nobody has heard of is heard of by whoever asks next', async t => {
  const cluster = await startCluster(t)
  const mortal = new Mortal(cluster)
  const first = await mortal.live()
  const { attributes } = await first.fileSystem.create(root, name('f'), inode, writable)
  first.map.put(`inode/${attributes.ino}`, {
    ...{ sequence: 1, end: 0, appliedEnd: 0, wholeEnd: 0, reportedSize: 0, waits: false, unsynced: [], usages: [] },
    error: { code: 'NO_SPACE', message: 'full' },
  })
  mortal.die()
  const next = await mortal.live()
  const file = await next.fileSystem.open(attributes.ino, writable)
  next.fileSystem.resumed()
  await t.rejects(file.sync(), { code: 'NO_SPACE' })
  await file.close()
})

t.test('generation after generation, nothing is left over', async t => {
  const cluster = await startCluster(t, { servers: 1, goal: 1 })
  const mortal = new Mortal(cluster)
  let { fileSystem, map } = await mortal.live()
  const { file, attributes } = await fileSystem.create(root, name('f'), inode, { ...writable, append: true })
  await file.write(0, name('0'))
  for (let i = 1; i < 4; i++) {
    mortal.die()
    ;({ fileSystem, map } = await mortal.live())
    const again = await fileSystem.open(attributes.ino, { ...writable, append: true })
    fileSystem.resumed()
    await again.write(0, name(String(i)))
    if (i === 3) await again.close()
  }
  t.equal(await read(fileSystem, attributes.ino), '0123')
  await new Promise(resolve => setTimeout(resolve, 500))
  const left = map.next().inherited.map(({ key }) => key)
  t.same(left.sort(), ['dataIds', 'numbers', 'session'])
})
