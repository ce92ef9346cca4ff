import { crc32 } from '@node-rs/crc32'
import t from 'tap'
import { SeededRandom } from '../../../src/base/random.js'
import {
  decodeHeader,
  encodeHeader,
  encodeSlot,
  headerSize,
  parseFileName,
  replicaPath,
} from '../../../src/chunkserver/store/chunk-format.js'
import type { ChunkHandle } from '../../../src/wire/ids.js'

const handle = 0x1f_0000_0000_00a1 as ChunkHandle

t.test('a header is read as it was written', async t => {
  for (const header of [
    { handle, version: 1, dirty: true, sequence: 0 },
    { handle, version: Number.MAX_SAFE_INTEGER, dirty: false, sequence: 2 ** 40 + 1 },
  ]) {
    t.same(decodeHeader(encodeHeader(header), handle), header)
  }
})

t.test('the newer of two valid slots counts', async t => {
  const bytes = encodeHeader({ handle, version: 5, dirty: true, sequence: 6 })
  for (const sequence of [5, 7]) {
    const both = Buffer.from(bytes)
    const slot = encodeSlot({ handle, version: sequence, dirty: false, sequence })
    slot.bytes.copy(both, slot.position)
    t.equal(decodeHeader(both, handle).sequence, Math.max(6, sequence))
    both.fill(0, slot.position, slot.position + 10)
    t.equal(decodeHeader(both, handle).sequence, 6, 'a torn one does not')
  }
})

t.test('the layout is the one in docs/FORMAT.md', async t => {
  const { bytes, position } = encodeSlot({ handle, version: 3, dirty: true, sequence: 9 })
  t.equal(position, 2048)
  t.equal(
    bytes.toString('hex'),
    `4c46534348554e4b${'02000000'}${'01000000'}${'a100000000001f00'}${'0300000000000000'}${'0900000000000000'}${'00400000'}${'00000004'}${'00'.repeat(12)}${bytes.subarray(60).toString('hex')}`,
  )
})

/** As a program would write it that has another layout. */
function ofLayout(layout: number): Buffer {
  const bytes = encodeHeader({ handle, version: 5, dirty: false, sequence: 6 })
  bytes.writeUInt32LE(layout, 8)
  bytes.writeUInt32LE(crc32(bytes.subarray(0, 60)), 60)
  return bytes
}

t.test('a replica with another layout is refused as that, and not taken for damaged', async t => {
  t.equal(decodeHeader(ofLayout(2), handle).version, 5)
  t.throws(() => decodeHeader(ofLayout(1), handle), { code: 'NOT_SUPPORTED', message: /has layout 1, this program/ })
  t.throws(() => decodeHeader(ofLayout(3), handle), { code: 'NEWER_FORMAT' })
})

t.test('any damage is CORRUPT', async t => {
  const bytes = encodeHeader({ handle, version: 5, dirty: true, sequence: 6 })
  for (let at = 0; at < 64; at++) {
    const damaged = Buffer.from(bytes)
    damaged[at] = (damaged[at] ?? 0) ^ 0x10
    t.throws(() => decodeHeader(damaged, handle), { code: 'CORRUPT' }, `byte ${at}`)
  }
  t.throws(() => decodeHeader(bytes, 7 as ChunkHandle), { code: 'CORRUPT' }, 'of another chunk')
})

t.test('garbage is CORRUPT', async t => {
  const random = new SeededRandom(3)
  for (let round = 0; round < 200; round++) {
    const length = Math.floor(random.next() * (headerSize + 1))
    const bytes = Buffer.from(Uint8Array.from({ length }, () => random.next() * 256))
    t.throws(() => decodeHeader(bytes, handle), { code: 'CORRUPT' })
  }
})

t.test('file names are parsed only where they belong', async t => {
  t.equal(replicaPath(0xa1 as ChunkHandle), 'a1/00000000000000a1.chunk')
  t.equal(parseFileName('a1', '001f0000000000a1.chunk'), handle)
  const others: [string, string][] = [
    ['a2', '001f0000000000a1.chunk'],
    ['a1', '001f0000000000a1.chunk.damaged'],
    ['a1', '001F0000000000A1.chunk'],
    ['00', '0000000000000000.chunk'],
    ['ff', 'ffffffffffffffff.chunk'],
    ['a1', 'a1.chunk'],
    ['a1', 'lost+found'],
  ]
  for (const [directory, name] of others) t.equal(parseFileName(directory, name), undefined, `${directory}/${name}`)
})
