import { crc32 } from '@node-rs/crc32'
import t from 'tap'
import { verifiedBytes } from '../../../src/chunkserver/store/block-reads.js'
import { blockChecksum } from '../../../src/chunkserver/store/checksums.js'
import { checksumBlockSize as block } from '../../../src/constants.js'

const replica = Buffer.from(Uint8Array.from({ length: 3 * block + 50 }, (_, index) => (index * 7) % 253))
const checksums = Uint32Array.from([0, 1, 2, 3], index =>
  blockChecksum(replica.subarray(index * block, (index + 1) * block)),
)

function read(offset: number, end: number, sums = checksums) {
  const first = Math.floor(offset / block)
  const bytes = replica.subarray(first * block, Math.ceil(end / block) * block)
  return verifiedBytes(bytes, sums, first, offset, end, 'replica')
}

t.test('any range comes with the crc32 of its bytes', async t => {
  for (const offset of [0, 1, block - 1, block, block + 5, 3 * block]) {
    for (const end of [offset + 1, block, 2 * block, 2 * block + 1, 3 * block, 3 * block + 50]) {
      if (end <= offset) continue
      const answer = read(offset, end)
      const expected = replica.subarray(offset, end)
      t.ok(expected.equals(Buffer.concat(answer.buffers)), `[${offset}, ${end})`)
      t.equal(answer.length, end - offset)
      t.equal(answer.crc32, crc32(expected))
    }
  }
})

t.test('a block that does not match is CORRUPT, one beside the range is not looked at', async t => {
  const damaged = checksums.slice()
  damaged[1] = 7
  t.throws(() => read(0, block + 1, damaged), { code: 'CORRUPT' })
  t.throws(() => read(2 * block - 1, 2 * block, damaged), { code: 'CORRUPT' })
  t.equal(read(0, block, damaged).length, block)
  t.equal(read(2 * block, 3 * block, damaged).length, block)
})
