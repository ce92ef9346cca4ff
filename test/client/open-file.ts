import t, { type Test } from 'tap'
import type { OpenOptions } from '../../src/client/file-system.js'
import { InodeHandle } from '../../src/client/open-file.js'
import { fileSizeMax } from '../../src/constants.js'
import type { Ino } from '../../src/wire/ids.js'
import { failed } from './harness/chunks.js'
import { startInodes } from './harness/inodes.js'

const file = 10 as Ino

async function open(t: Test, options: Partial<OpenOptions> = {}) {
  const parts = await startInodes(t, new Map([[file, 100]]))
  const { inode } = await parts.run(parts.inodes.open(file))
  let released = 0
  const handle = new InodeHandle(inode, { read: true, write: true, ...options }, parts.behind, () => released++)
  return { ...parts, inode, handle, released: () => released }
}

t.test('a handle does what it was opened for', async t => {
  const reader = (await open(t, { write: false })).handle
  await t.rejects(reader.write(0, Buffer.from('x')), { code: 'BAD_HANDLE' })
  const { handle, run } = await open(t, { read: false })
  await t.rejects(handle.read(0, 1), { code: 'BAD_HANDLE' })
  await run(handle.write(0, Buffer.from('x')))
})

t.test('after close nothing goes, and closing again is the same close', async t => {
  const { handle, run, released, streams } = await open(t)
  await run(handle.write(0, Buffer.from('x')))
  await run(Promise.all([handle.close(), handle.close()]))
  t.equal(released(), 1)
  t.equal(streams.writes.length, 1)
  await t.rejects(handle.read(0, 1), { code: 'BAD_HANDLE' })
  await t.rejects(handle.sync(), { code: 'BAD_HANDLE' })
})

t.test('close reports what could not be stored, and lets go all the same', async t => {
  const { handle, run, released, streams } = await open(t)
  streams.outcome = () => failed('NO_SPACE')
  await run(handle.write(0, Buffer.from('x')))
  await t.rejects(run(handle.close()), { code: 'NO_SPACE' })
  t.equal(released(), 1)
})

t.test('an error of a push behind is reported once, by whichever handle comes next', async t => {
  const { handle, inode, behind, run, streams, master } = await open(t)
  const other = new InodeHandle(inode, { read: true, write: true }, behind, () => {})
  streams.outcome = () => failed('NO_SPACE')
  await run(handle.write(0, Buffer.from('x')))
  await master.settle(5000)
  streams.outcome = () => ({ ok: true })
  await t.rejects(run(other.write(0, Buffer.from('y'))), { code: 'NO_SPACE' })
  await t.resolves(run(handle.flush()))
})

t.test('appending ignores the offset', async t => {
  const { handle, run, streams } = await open(t, { append: true })
  await run(handle.write(5, Buffer.from('xyz')))
  await run(handle.flush())
  t.match(streams.writes, [{ offset: 100, length: 3 }])
})

t.test('a synchronous write is on the disks when it returns', async t => {
  const { handle, run, asked } = await open(t, { sync: true })
  asked()
  await run(handle.write(0, Buffer.from('x')))
  t.same(asked(), ['written', 'syncInode'])
})

t.test('ranges that no file has are refused', async t => {
  const { handle } = await open(t)
  for (const [offset, length] of [
    [-1, 1],
    [0.5, 1],
    [0, -1],
    [0, 1.5],
    [Number.NaN, 1],
  ] as const) {
    await t.rejects(handle.read(offset, length), { code: 'INVALID_ARGUMENT' }, `${length} at ${offset}`)
  }
  for (const offset of [fileSizeMax, 2 ** 60])
    await t.rejects(handle.write(offset, Buffer.from('x')), { code: 'FILE_TOO_LARGE' })
})

t.test('what is read beyond the largest file is nothing, and no error', async t => {
  const { handle, run } = await open(t)
  t.same(await run(handle.read(fileSizeMax - 1, 10)), [])
  t.same(await run(handle.read(fileSizeMax + 1, 10)), [])
})

t.test('one reader going on through the file is read ahead for', async t => {
  const { handle, run, data } = await open(t, { write: false })
  await run(handle.read(0, 10))
  await run(handle.read(10, 10))
  t.equal(data.reads.length, 1)
})
