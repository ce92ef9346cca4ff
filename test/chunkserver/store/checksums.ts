import { crc32 as zlibLike } from '@node-rs/crc32'
import t from 'tap'
import { SeededRandom } from '../../../src/base/random.js'
import {
  appendBlockCrc32,
  blockChecksum,
  blockChecksums,
  crc32,
  fullBlockCrc32,
} from '../../../src/chunkserver/store/checksums.js'
import { checksumBlockSize as block } from '../../../src/constants.js'

const random = new SeededRandom(5)
const randomBytes = (length: number) => Buffer.from(Uint8Array.from({ length }, () => random.next() * 256))
const none = Buffer.alloc(0)

t.test('a block that was never written has the checksum of a hole', async t => {
  t.equal(blockChecksum(none), 0)
  t.equal(blockChecksum(Buffer.alloc(block)), 0)
  t.equal(blockChecksum(Buffer.alloc(7)), 0)
  t.not(blockChecksum(Buffer.from([0, 1])), 0)
})

t.test('a short block counts as if zeros followed it', async t => {
  for (const length of [1, 100, block - 1]) {
    const bytes = randomBytes(length)
    t.equal(blockChecksum(bytes), blockChecksum(Buffer.concat([bytes], block)))
  }
})

t.test('the format of docs/FORMAT.md', async t => {
  const bytes = randomBytes(block)
  t.equal(blockChecksum(bytes), (zlibLike(bytes) ^ zlibLike(Buffer.alloc(block))) >>> 0)
  t.equal(fullBlockCrc32(blockChecksum(bytes)), zlibLike(bytes))
})

t.test('the crc32 of blocks after one another comes from those of the blocks', async t => {
  for (const length of [0, 1, 1000, block]) {
    const head = randomBytes(length)
    const blocks = [randomBytes(block), Buffer.alloc(block), randomBytes(block)]
    const combined = blocks.reduce((state, bytes) => appendBlockCrc32(state, crc32(bytes)), crc32(head))
    t.equal(combined, zlibLike(Buffer.concat([head, ...blocks])))
  }
})

t.test('checksums of blocks do not depend on how their bytes lie in pieces', async t => {
  for (let round = 0; round < 60; round++) {
    const head = randomBytes(round % 3 === 0 ? 0 : Math.floor(random.next() * block))
    const bytes = randomBytes(1 + Math.floor(random.next() * 3 * block))
    const end = (head.length + bytes.length) % block
    const tail = randomBytes(end === 0 || round % 2 === 0 ? 0 : Math.floor(random.next() * (block - end)))
    const pieces: Buffer[] = []
    for (let at = 0; at < bytes.length; ) {
      const size = 1 + Math.floor(random.next() * 9000)
      pieces.push(bytes.subarray(at, at + size))
      at += size
    }
    const whole = Buffer.concat([head, bytes, tail])
    const expected: number[] = []
    for (let at = 0; at < whole.length; at += block) expected.push(blockChecksum(whole.subarray(at, at + block)))
    t.same([...blockChecksums(head, pieces, tail, bytes.length)], expected)
  }
})
