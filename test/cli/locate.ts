import t from 'tap'
import { locateJson, locateText } from '../../src/cli/locate.js'
import type { LocatedChunk, LocateReply } from '../../src/wire/gen/admin.js'

const server = (id: string) => ({ serverId: id, controlAddress: 'h:1', dataAddress: `${id}:2`, location: `/a/b/${id}` })

const leased: LocatedChunk = {
  index: 0,
  handle: 0xa1,
  version: 4,
  lease: { leaseId: 7, primary: 's2', secondaries: ['s1'], remainingMs: 52_140 },
  replicas: [
    { server: server('s1'), version: 4, stale: false },
    { server: server('s2'), version: 4, stale: false },
    { server: server('s3'), version: 3, stale: true },
  ],
}

const time = { seconds: 0, nanos: 0 }
const owner = { uid: 0, gid: 0, nlink: 1, rdev: 0, allocatedBytes: 100, atime: time, mtime: time, ctime: time }
const reply = (...chunks: LocatedChunk[]): LocateReply => ({
  attributes: { ino: 9, type: 1, mode: 0o644, size: 100, goal: 3, ...owner },
  chunks,
})

t.test('locate shows each replica with its part', async t => {
  const text = locateText('f', reply(leased))
  t.match(text, /^f: inode 9, 100 bytes, goal 3, 1 chunks below goal$/m)
  t.match(text, /^ +0 +00000000000000a1 +4 +52\.1 s left +secondary +s1 +s1:2 +\/a\/b\/s1$/m)
  t.match(text, /52\.1 s left +primary +s2 /)
  t.match(text, /stale \(3\) +s3 /)
})

t.test('a chunk without a lease has no primary, one without replicas says so', async t => {
  t.match(locateText('f', reply({ ...leased, lease: undefined })), /none +replica +s1/)
  t.match(locateText('f', reply({ ...leased, replicas: [] })), /no replica$/m)
  t.match(locateText('f', reply()), /no chunks$/)
})

t.test('locate says what of the file is hit', async t => {
  const gone = { ...leased, lease: undefined, replicas: [] }
  const text = locateText('f', reply(leased, gone))
  t.match(text, /^f: .*, goal 3, 1 chunks without a replica \(reads of them wait, then fail\), 1 chunks below goal$/m)
  t.match(JSON.parse(locateJson('f', reply(leased, gone))).chunks, [{ present: 2 }, { present: 0 }])
})

t.test('locate for programs has handles as they stand in traces', async t => {
  const value = JSON.parse(locateJson('f', reply(leased, { ...leased, index: 1, lease: undefined })))
  t.match(value, { file: 'f', ino: 9, size: 100, goal: 3 })
  t.match(value.chunks[0], { index: 0, handle: '00000000000000a1', version: 4, lease: { primary: 's2' } })
  t.match(value.chunks[0].replicas[2], { serverId: 's3', version: 3, stale: true })
  t.equal(value.chunks[1].lease, null)
})
