import t from 'tap'
import {
  checksumsLength,
  decodeTrailer,
  encodeTrailer,
  snapshotIndex,
  snapshotName,
  trailerLength,
} from '../../../src/master/snapshots/snapshot-format.js'
import { clusterId } from '../harness/client.js'

const head = { clusterId, index: 2 ** 40, stateLength: 5_000_000_000, takenMs: 1_700_000_000_000 }

t.test('a trailer comes back as it was', async t => {
  const bytes = encodeTrailer(head, Buffer.from('checksums'))
  t.equal(bytes.length, trailerLength)
  t.match(decodeTrailer(bytes, 'x'), head)
})

t.test('a trailer with any bit flipped is refused', async t => {
  const bytes = encodeTrailer(head, Buffer.alloc(0))
  for (let at = 0; at < bytes.length; at++) {
    const bad = Buffer.from(bytes)
    bad.writeUInt8(bad.readUInt8(at) ^ 4, at)
    t.throws(() => decodeTrailer(bad, 'x'), { code: at >= 8 && at < 12 ? 'NEWER_FORMAT' : 'CORRUPT' }, `byte ${at}`)
  }
  t.throws(() => decodeTrailer(bytes.subarray(1), 'x'), { code: 'CORRUPT' })
})

t.test('names say the record, and sort like it', async t => {
  t.equal(snapshotIndex(snapshotName(77)), 77)
  t.ok(snapshotName(9) < snapshotName(10))
  for (const name of ['x', '0000000000000077.snapshot.damaged', '77.snapshot']) t.equal(snapshotIndex(name), undefined)
})

t.test('there is a checksum for each MiB begun', async t => {
  t.same([0, 1, 2 ** 20, 2 ** 20 + 1].map(checksumsLength), [0, 4, 4, 8])
})
