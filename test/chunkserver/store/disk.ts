import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import {
  closeFile,
  diskError,
  fileSize,
  openFile,
  readAt,
  removeFile,
  syncFileData,
  truncateFile,
  writeAt,
} from '../../../src/chunkserver/store/disk.js'

t.test('what the system says has one of our codes', async t => {
  const cases: [string, string][] = [
    ['ENOSPC', 'NO_SPACE'],
    ['EDQUOT', 'NO_SPACE'],
    ['EEXIST', 'ALREADY_EXISTS'],
    ['EIO', 'IO'],
    ['EROFS', 'IO'],
    ['EMFILE', 'IO'],
  ]
  for (const [system, ours] of cases) {
    const reason = Object.assign(new Error(`${system}: it says`), { code: system })
    t.match(diskError('/x', reason), { code: ours, message: `/x: ${system}: it says`, cause: reason }, system)
  }
})

t.test('a full disk is NO_SPACE', async t => {
  const full = await openFile('/dev/full', 'r+')
  await t.rejects(writeAt(full, [Buffer.alloc(4096)], 0), { code: 'NO_SPACE' })
  await closeFile(full)
})

t.test('pieces are written one after another, and reads stop at the end of the file', async t => {
  const file = await openFile(join(t.testdir(), 'a'), 'wx+')
  const pieces = Array.from({ length: 3000 }, (_, index) => Buffer.alloc(index % 5, index))
  await writeAt(file, pieces, 10)
  const expected = Buffer.concat([Buffer.alloc(10), ...pieces])
  t.equal(await fileSize(file), expected.length)
  const bytes = Buffer.alloc(expected.length + 100)
  t.equal(await readAt(file, bytes, 0), expected.length)
  t.ok(expected.equals(bytes.subarray(0, expected.length)))
  t.equal(await readAt(file, Buffer.alloc(5), expected.length), 0)
  await truncateFile(file, 12)
  await syncFileData(file)
  t.equal(await fileSize(file), 12)
  await closeFile(file)
  await t.rejects(openFile(file.path, 'wx+'), { code: 'ALREADY_EXISTS' })
  await t.rejects(openFile(`${file.path}.not`, 'r'), { code: 'IO' })
})

t.test('a file is removed; one that is not there is no error', async t => {
  const path = join(t.testdir(), 'a')
  writeFileSync(path, 'x')
  await removeFile(path)
  await removeFile(path)
  t.notOk(existsSync(path))
})
