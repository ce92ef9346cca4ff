import t from 'tap'
import { leaseMarginMs } from '../../src/client/limits.js'
import { type LocatedChunk, locatedChunkFromWire, mayWrite, traceLocated } from '../../src/client/locations.js'
import type { ChunkLocation } from '../../src/wire/gen/client.js'
import { parseLocation } from '../../src/wire/location.js'

const server = (id: string, location: string) => ({
  serverId: id,
  controlAddress: `127.0.0.1:1${id}`,
  dataAddress: `127.0.0.1:2${id}`,
  location,
})

const wire = (more: Partial<ChunkLocation> = {}): ChunkLocation => ({
  index: 3,
  handle: 0xa1,
  version: 2,
  replicas: [server('1', '/b/r/h'), server('2', '/a/q/h'), server('3', '/a/r/h')],
  lease: { leaseId: 9, primary: '1', secondaries: ['3', '7'], remainingMs: 60_000 },
  ...more,
})

const here = parseLocation('/a/r/h')
const ids = (servers: readonly { serverId: string }[] = []) => servers.map(({ serverId }) => serverId)

t.test('replicas stand nearest first, whoever is primary', async t => {
  const { chunk } = locatedChunkFromWire(wire(), here, 100)
  t.same(ids(chunk?.replicas), ['3', '2', '1'])
  t.equal(chunk?.lease?.primary.serverId, '1')
  t.same(ids(chunk?.lease?.chain), ['3', '1'], 'the chain has the primary and its secondaries, and no other')
  t.equal(chunk?.lease?.endsAt, 60_100)
})

t.test('handle 0 is a hole', async t => {
  t.same(locatedChunkFromWire(wire({ handle: 0 }), here, 0), { index: 3, chunk: undefined })
})

t.test('a lease whose holder we do not know the address of is none', async t => {
  const lease = { leaseId: 9, primary: '8', secondaries: ['1'], remainingMs: 60_000 }
  t.equal(locatedChunkFromWire(wire({ lease }), here, 0).chunk?.lease, undefined)
})

t.test('a chunk may be written while its lease lasts, less a margin', async t => {
  const located = locatedChunkFromWire(wire(), here, 0)
  t.ok(mayWrite(located, 60_000 - leaseMarginMs - 1))
  t.notOk(mayWrite(located, 60_000 - leaseMarginMs))
  t.notOk(mayWrite(locatedChunkFromWire(wire({ lease: undefined }), here, 0), 0))
  t.notOk(mayWrite({ index: 0, chunk: undefined }, 0))
})

t.test('what a master must not say is an error', async t => {
  const bad: Partial<ChunkLocation>[] = [
    { index: 2 ** 20 },
    { version: 0 },
    { replicas: [{ ...server('1', '/a/b/c'), dataAddress: 'nowhere' }] },
    { replicas: [{ ...server('1', 'here') }] },
    { replicas: Array.from({ length: 10 }, (_, index) => server(`${index}`, '/a/b/c')) },
  ]
  for (const more of bad) {
    t.throws(() => locatedChunkFromWire(wire(more), here, 0), { code: 'INTERNAL' }, JSON.stringify(more))
  }
})

t.test('the trace names the chunk, the primary and all replicas', async t => {
  const events: unknown[] = []
  const located: LocatedChunk = locatedChunkFromWire(wire(), here, 0)
  traceLocated((event, fields) => events.push([event, fields]), located)
  t.match(events, [
    ['locate.reply', { handle: '00000000000000a1', version: 2, primary: '1', replicas: ['3', '2', '1'] }],
  ])
})
