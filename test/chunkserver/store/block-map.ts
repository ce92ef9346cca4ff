import t from 'tap'
import { BlockMap, blockRuns } from '../../../src/chunkserver/store/block-map.js'
import { blocksPerChunk } from '../../../src/chunkserver/store/chunk-format.js'
import { checksumBlockSize } from '../../../src/constants.js'

t.test('blocks are added and removed, and counted once', async t => {
  const map = new BlockMap()
  map.add(3, 20)
  map.add(10, 25)
  map.remove(5, 7)
  map.remove(5, 6)
  t.notOk(map.has(2))
  t.ok(map.has(3))
  t.notOk(map.has(6))
  t.equal(map.allocatedBytes(25 * checksumBlockSize), 20 * checksumBlockSize)
  map.remove(24)
  t.equal(map.allocatedBytes(25 * checksumBlockSize), 19 * checksumBlockSize)
  t.throws(() => map.add(blocksPerChunk, blocksPerChunk + 1))
})

t.test('the last block counts as far as the replica goes, in units of 4 KiB', async t => {
  const map = new BlockMap()
  map.add(0, 2)
  t.equal(map.allocatedBytes(checksumBlockSize + 1), checksumBlockSize + 4096)
  t.equal(map.allocatedBytes(checksumBlockSize + 4097), checksumBlockSize + 8192)
  t.equal(map.allocatedBytes(2 * checksumBlockSize), 2 * checksumBlockSize)
  t.equal(map.allocatedBytes(2 * checksumBlockSize + 1), 2 * checksumBlockSize, 'a hole at the end is nothing')
})

t.test('it is read back as it was written, up to the end that is told', async t => {
  const map = new BlockMap()
  map.add(1, 10)
  map.add(blocksPerChunk - 1, blocksPerChunk)
  t.same(new BlockMap(map.toBuffer(), blocksPerChunk).toBuffer(), map.toBuffer())
  const cut = new BlockMap(map.toBuffer(), 4)
  t.same([...blockRuns(0, blocksPerChunk, index => cut.has(index))], [{ first: 1, end: 4 }])
})

t.test('runs are as long as can be', async t => {
  const odd = [1, 2, 3, 5, 9]
  t.same(
    [...blockRuns(2, 10, index => odd.includes(index))],
    [
      { first: 2, end: 4 },
      { first: 5, end: 6 },
      { first: 9, end: 10 },
    ],
  )
  t.same([...blockRuns(0, 0, () => true)], [])
})
