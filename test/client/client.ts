import t from 'tap'
import { SimulatedClock } from '../../src/base/simulated-clock.js'
import { Client } from '../../src/client/client.js'
import { MemoryFileSystem } from '../fuse/harness/memory-file-system.js'

const make = () => new Client(new MemoryFileSystem(new SimulatedClock()), { uid: 7, gid: 8, umask: 0o022 })

t.test('files are written, appended to, replaced and read', async t => {
  const client = make()
  await client.writeFile('/f', 'one')
  await client.appendFile('/f', '+two')
  t.equal(await client.readFile('/f', 'utf8'), 'one+two')
  await client.writeFile('/f', Buffer.from('3'))
  t.same(await client.readFile('/f'), Buffer.from('3'))
  await t.rejects(client.writeFile('/f', 'x', { flag: 'wx' }), { code: 'ALREADY_EXISTS' })
  await t.rejects(client.readFile('/none'), { code: 'NOT_FOUND' })
})

t.test('new files belong to the user of the client, with the umask applied', async t => {
  const client = make()
  await client.writeFile('/f', '')
  await client.mkdir('/d', { mode: 0o777 })
  await client.symlink('f', '/l')
  t.match(await client.stat('/f'), { uid: 7, gid: 8, mode: 0o100644 })
  t.match(await client.stat('/d'), { mode: 0o040755 })
  t.match(await client.lstat('/l'), { mode: 0o120777 })
})

t.test('open makes a file where its flags say so, through links too', async t => {
  const client = make()
  await t.rejects(client.open('/f', 'r+'), { code: 'NOT_FOUND' })
  await client.symlink('f', '/link')
  await (await client.open('/link', 'w')).close()
  t.ok((await client.stat('/f')).isFile())
  await t.rejects(client.open('/link', 'wx'), { code: 'ALREADY_EXISTS' })
  await client.mkdir('/d')
  await t.rejects(client.open('/d', 'w'), { code: 'IS_A_DIRECTORY' })
})

t.test('directories are made with those above, listed and removed', async t => {
  const client = make()
  await t.rejects(client.mkdir('/a/b'), { code: 'NOT_FOUND' })
  await client.mkdir('/a/b/c', { recursive: true })
  await client.mkdir('/a/b/c', { recursive: true })
  await t.rejects(client.mkdir('/a'), { code: 'ALREADY_EXISTS' })
  await client.writeFile('/a/f', '')
  await t.rejects(client.mkdir('/a/f', { recursive: true }), { code: 'ALREADY_EXISTS' })
  await t.rejects(client.mkdir('/a/f/g', { recursive: true }), { code: 'NOT_A_DIRECTORY' })
  t.same(await client.readdir('/a'), ['b', 'f'])
  const entries = await client.readdir('/a', { withFileTypes: true })
  t.same(
    entries.map(entry => [entry.name, entry.parentPath, entry.isDirectory()]),
    [
      ['b', '/a', true],
      ['f', '/a', false],
    ],
  )
  await t.rejects(client.rmdir('/a'), { code: 'NOT_EMPTY' })
  await client.rmdir('/a/b/c')
  t.notOk(await client.exists('/a/b/c'))
})

t.test('rm removes what it is told to, and no more', async t => {
  const client = make()
  await client.mkdir('/a/b', { recursive: true })
  await client.writeFile('/a/b/f', '')
  await client.writeFile('/kept', 'kept')
  await client.symlink('/kept', '/a/link')
  await t.rejects(client.rm('/a'), { code: 'IS_A_DIRECTORY' })
  await client.rm('/a', { recursive: true })
  t.notOk(await client.exists('/a'))
  t.equal(await client.readFile('/kept', 'utf8'), 'kept', 'links are removed, not followed')
  await t.rejects(client.rm('/a'), { code: 'NOT_FOUND' })
  await client.rm('/a', { force: true })
})

t.test('names are moved, added and taken away', async t => {
  const client = make()
  await client.writeFile('/a', 'a')
  await client.writeFile('/b', 'b')
  await client.rename('/a', '/b')
  t.equal(await client.readFile('/b', 'utf8'), 'a')
  await client.link('/b', '/c')
  t.equal((await client.stat('/c')).nlink, 2)
  await client.unlink('/b')
  t.equal(await client.readFile('/c', 'utf8'), 'a')
})

t.test('links are read, and only links', async t => {
  const client = make()
  await client.symlink('some/where', '/l')
  t.equal(await client.readlink('/l'), 'some/where')
  await client.writeFile('/f', '')
  await t.rejects(client.readlink('/f'), { code: 'INVALID_ARGUMENT' })
})

t.test('attributes are changed by path', async t => {
  const client = make()
  await client.writeFile('/f', 'abcdef')
  await client.chmod('/f', 0o600)
  await client.chown('/f', 1, 2)
  await client.truncate('/f', 2)
  await client.utimes('/f', 1, 2.5)
  const stats = await client.stat('/f')
  t.match(stats, { mode: 0o100600, uid: 1, gid: 2, size: 2 })
  t.equal(stats.mtimeMs, 2500)
})

t.test('whether something is there', async t => {
  const client = make()
  await client.symlink('nowhere', '/dangling')
  t.ok(await client.exists('/'))
  t.notOk(await client.exists('/dangling'))
  await t.resolves(client.access('/'))
  await t.rejects(client.access('/dangling'), { code: 'NOT_FOUND' })
  t.ok((await client.statfs()).totalBytes >= 0)
})

t.test('a client is closed when it goes out of scope', async t => {
  const fileSystem = new MemoryFileSystem(new SimulatedClock())
  let closed = 0
  fileSystem.close = async () => void closed++
  {
    await using client = new Client(fileSystem, { uid: 7, gid: 8, umask: 0 })
    await client.writeFile('/f', 'x')
  }
  t.equal(closed, 1)
})
