import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { dataStart } from '../../../src/chunkserver/store/chunk-format.js'
import { closeFile, openFile } from '../../../src/chunkserver/store/disk.js'
import { punchBytesMin } from '../../../src/chunkserver/store/limits.js'
import { writeZeros, zeroRuns } from '../../../src/chunkserver/store/zero-blocks.js'
import { checksumBlockSize } from '../../../src/constants.js'

const many = punchBytesMin / checksumBlockSize
const block = checksumBlockSize

t.test('zeros end with the replica', async t => {
  const path = join(t.testdir(), 'file')
  writeFileSync(path, Buffer.alloc(dataStart + 3 * block, 1))
  const file = await openFile(path, 'r+')
  await writeZeros(file, { first: 1, end: 3 }, 2 * block + 5)
  const expected = Buffer.alloc(3 * block, 1).fill(0, block, 2 * block + 5)
  t.ok(readFileSync(path).subarray(dataStart).equals(expected))
  await closeFile(file)
})

t.test('many blocks are given back in one, few are written, and many too if that fails', async t => {
  const path = join(t.testdir(), 'file')
  const length = (2 * many + 1) * block
  const file = await openFile(path, 'wx+')
  for (const works of [true, false]) {
    const punched: number[][] = []
    const punch = async (_: string, offset: number, size: number) => {
      punched.push([offset, size])
      return works
    }
    const zero = async (...runs: [number, number][]) => {
      writeFileSync(path, Buffer.alloc(dataStart + length, 1))
      punched.length = 0
      await zeroRuns(
        file,
        runs.map(([first, end]) => ({ first, end })),
        length,
        { punch },
      )
      return readFileSync(path)
        .subarray(dataStart)
        .filter(byte => byte === 0).length
    }
    t.equal(await zero([0, many - 1]), (many - 1) * block)
    t.same(punched, [], 'few')
    t.equal(await zero([1, many], [many + 1, 2 * many]), works ? 0 : (2 * many - 2) * block)
    t.same(punched, [[dataStart + block, (2 * many - 1) * block]], 'many')
  }
  await closeFile(file)
})
