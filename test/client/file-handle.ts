import t from 'tap'
import { SimulatedClock } from '../../src/base/simulated-clock.js'
import { MiB } from '../../src/base/units.js'
import { FileHandle } from '../../src/client/file-handle.js'
import { rootIno } from '../../src/constants.js'
import type { Ino } from '../../src/wire/ids.js'
import { MemoryFileSystem } from '../fuse/harness/memory-file-system.js'

async function open(append = false) {
  const fs = new MemoryFileSystem(new SimulatedClock())
  const inode = { mode: 0o644, uid: 1, gid: 2 }
  const options = { read: true, write: true, exclusive: true, append }
  const { file } = await fs.create(rootIno as Ino, Buffer.from('f'), inode, options)
  return new FileHandle(fs, file)
}

t.test('reads and writes go on where the last ended, unless a position is given', async t => {
  const file = await open()
  t.match(await file.write(Buffer.from('abcdef')), { bytesWritten: 6 })
  await file.write(Buffer.from('XY'), 0, 2, 1)
  const { bytesRead, buffer } = await file.read(Buffer.alloc(4), 1, 3, 0)
  t.equal(bytesRead, 3)
  t.same(buffer, Buffer.from('\0aXY'))
  await file.write(Buffer.from('g'))
  const again = Buffer.alloc(10)
  t.match(await file.read(again, 0, 10, 0), { bytesRead: 7 })
  t.equal(again.toString('latin1', 0, 7), 'aXYdefg')
  t.match(await file.read(Buffer.alloc(3)), { bytesRead: 0 }, 'at the end')
})

t.test('readFile reads the rest', async t => {
  const file = await open()
  await file.writeFile('häuser')
  await file.read(Buffer.alloc(1), 0, 1, 0)
  t.equal(await file.readFile('utf8'), '', 'the position is at the end')
  const large = Buffer.alloc(2.5 * MiB, 7)
  const other = await open()
  await other.write(large, 0, large.length, 0)
  t.ok((await other.readFile()).equals(large))
})

t.test('any Uint8Array will do, in part', async t => {
  const file = await open()
  await file.write(new Uint8Array([1, 2, 3, 4]), 1, 2)
  const target = new Uint8Array(4)
  await file.read(target, 1, 2, 0)
  t.same([...target], [0, 2, 3, 0])
})

t.test('parts that the buffer does not have are refused', async t => {
  const file = await open()
  await t.rejects(file.read(Buffer.alloc(4), 2, 3), { code: 'INVALID_ARGUMENT' })
  await t.rejects(file.write(Buffer.alloc(4), -1, 1), { code: 'INVALID_ARGUMENT' })
})

t.test('attributes are changed through the handle', async t => {
  const file = await open()
  await file.write(Buffer.from('abcdef'))
  await file.truncate(3)
  await file.chmod(0o600)
  await file.chown(5, 6)
  await file.utimes(1.5, new Date(2500))
  const stats = await file.stat()
  t.match(stats, { ino: file.ino, size: 3, mode: 0o100600, uid: 5, gid: 6 })
  t.equal(stats.mtimeMs, 2500)
  t.equal(stats.atimeMs, 1500)
})

t.test('a handle is closed when it goes out of scope', async t => {
  const fs = new MemoryFileSystem(new SimulatedClock())
  const inode = { mode: 0o644, uid: 1, gid: 2 }
  const { file } = await fs.create(rootIno as Ino, Buffer.from('f'), inode, {
    read: true,
    write: true,
    exclusive: true,
  })
  const calls: string[] = []
  file.sync = async () => void calls.push('sync')
  file.close = async () => void calls.push('close')
  {
    await using handle = new FileHandle(fs, file)
    await handle.sync()
    await handle.datasync()
  }
  t.same(calls, ['sync', 'sync', 'close'])
})

t.test('appends follow one another', async t => {
  const file = await open(true)
  await file.appendFile('ab')
  await file.appendFile('cd')
  t.equal((await file.read(Buffer.alloc(10), 0, 10, 0)).bytesRead, 4)
})
