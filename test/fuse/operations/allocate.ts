import { constants } from 'node:fs'
import t from 'tap'
import { fileSizeMax } from '../../../src/constants.js'
import { falloc } from '../../../src/fuse/operations/allocate.js'
import { caller, memoryOperations, name, root } from '../harness/memory-operations.js'

const { keepSize, punchHole, zeroRange } = falloc
const block = 16 * 1024

/** A file with `blocks` full blocks. */
async function fileOf(blocks: number) {
  const { operations } = memoryOperations()
  const { files, attributes } = operations
  const { handle } = await files.create(root, name('f'), 0o644, caller, constants.O_RDWR)
  await files.write(handle, 0, Buffer.alloc(blocks * block, 'x'))
  const ino = files.inoOf(handle)
  const status = async () => {
    const { size, allocatedBytes } = await attributes.get(ino)
    return [size / block, allocatedBytes / block]
  }
  const allocate = (mode: number, from: number, count: number) =>
    files.allocate(handle, mode, from * block, count * block)
  const bytesAt = async (at: number) => String(Buffer.concat(await files.read(handle, at * block, 2)))
  return { files, handle, ino, status, allocate, bytesAt }
}

t.test('mode 0 stores what is missing, and makes the file longer', async t => {
  const { status, allocate, bytesAt } = await fileOf(1)
  await allocate(0, 0, 3)
  t.same(await status(), [3, 3])
  t.same([await bytesAt(0), await bytesAt(2)], ['xx', '\0\0'])
  await allocate(0, 0, 1)
  t.same(await status(), [3, 3], 'never shorter')
  await allocate(keepSize, 3, 2)
  t.same(await status(), [3, 5])
})

t.test('a hole is punched, and the size stays', async t => {
  const { status, allocate, bytesAt } = await fileOf(3)
  await allocate(punchHole | keepSize, 1, 1)
  t.same(await status(), [3, 2])
  t.same([await bytesAt(0), await bytesAt(1), await bytesAt(2)], ['xx', '\0\0', 'xx'])
  await allocate(punchHole | keepSize, 2, 9)
  t.same(await status(), [3, 1])
})

t.test('a range of zeros stays stored', async t => {
  const { status, allocate, bytesAt } = await fileOf(2)
  await allocate(zeroRange | keepSize, 1, 2)
  t.same(await status(), [2, 3])
  t.equal(await bytesAt(1), '\0\0')
  await allocate(zeroRange, 1, 3)
  t.same(await status(), [4, 4])
})

t.test('what is not known, or no range, is refused', async t => {
  const { allocate, files, handle, ino, status } = await fileOf(1)
  for (const mode of [punchHole, punchHole | zeroRange | keepSize, 0x08, 0x20 | keepSize, 0x40]) {
    await t.rejects(allocate(mode, 0, 1), { code: 'NOT_SUPPORTED' }, mode.toString(16))
  }
  await t.rejects(allocate(0, 0, 0), { code: 'INVALID_ARGUMENT' })
  await t.rejects(allocate(0, -1, 1), { code: 'INVALID_ARGUMENT' })
  await t.rejects(allocate(0, 0, -1), { code: 'INVALID_ARGUMENT' })
  await t.rejects(files.allocate(handle, 0, fileSizeMax, 1), { code: 'FILE_TOO_LARGE' })
  const reader = await files.open(ino, constants.O_RDONLY)
  await t.rejects(files.allocate(reader, 0, 0, 1), { code: 'BAD_HANDLE' })
  t.same(await status(), [1, 1])
})
