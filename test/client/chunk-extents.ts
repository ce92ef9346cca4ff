import t from 'tap'
import { LeasefsError } from '../../src/base/errors.js'
import { SimulatedClock } from '../../src/base/simulated-clock.js'
import { ChunkExtents, storedRanges } from '../../src/client/chunk-extents.js'
import type { PresentChunk, ReplicaServer } from '../../src/client/locations.js'
import { checksumBlockSize } from '../../src/constants.js'
import type { ControlPeer } from '../../src/rpc/control-network.js'
import type { ExtentsReply } from '../../src/wire/gen/mutation.js'
import type { ChunkHandle, Ino } from '../../src/wire/ids.js'

const block = checksumBlockSize
const ino = 7 as Ino

t.test('neighbouring blocks are one range', async t => {
  const ranges = (bits: number[], length = 64 * block) => storedRanges({ blocks: Buffer.from(bits), length })
  t.same(ranges([]), [])
  t.same(ranges([0b0000_0110, 0b0000_0001]), [
    { start: block, end: 3 * block },
    { start: 8 * block, end: 9 * block },
  ])
  t.same(ranges([0b1000_0000, 0b0000_0001]), [{ start: 7 * block, end: 9 * block }])
  t.same(ranges([0xff], 3 * block), [{ start: 0, end: 3 * block }], 'bits beyond the end say nothing')
})

function asked(answers: (ExtentsReply | LeasefsError)[], present = true) {
  const replicas = ['a', 'b'].map(host => ({ control: { host, port: 1 } }) as unknown as ReplicaServer)
  const lease = { primary: replicas[1] }
  const chunk = { handle: 5 as ChunkHandle, version: 2, replicas, lease } as unknown as PresentChunk
  const log: string[] = []
  const clock = new SimulatedClock()
  const call = async () => {
    const answer = answers.shift()
    if (answer === undefined || answer instanceof LeasefsError) throw answer ?? new LeasefsError('UNAVAILABLE', 'gone')
    return answer
  }
  const extents = new ChunkExtents({
    clock,
    timeoutMs: 5000,
    clusterId: () => 'cluster',
    locations: {
      locate: async (_, index) => ({ index, chunk: present ? chunk : undefined }),
      forget: () => void log.push('forget'),
    },
    network: {
      connect(address) {
        log.push(address.host)
        return { call, close: () => {} } as unknown as ControlPeer
      },
    },
  })
  return {
    log,
    clock,
    stored: () => extents.stored(ino, 0),
    length: () => extents.length(ino, 0),
    order: () => extents.order(ino, 0),
  }
}

const reply: ExtentsReply = { failure: undefined, blocks: Buffer.of(1), length: block }

t.test('the first replica that answers counts', async t => {
  const { log, stored } = asked([{ ...reply, failure: { code: 'STALE_VERSION', message: 'old' } }, reply])
  t.same(await stored(), [{ start: 0, end: block }])
  t.same(log, ['a', 'b'])
})

t.test('a chunk that is not there is a hole', async t => t.equal(await asked([], false).stored(), undefined))

t.test('if no replica answers, the locations may be old; then it is an error, never a hole', async t => {
  const { log, clock, stored } = asked([])
  const rejected = t.rejects(stored(), { code: 'IO' })
  await clock.advance(5000)
  await rejected
  t.same(log.slice(0, 6), ['a', 'b', 'forget', 'a', 'b', 'forget'])
})

t.test('servers that are away are waited for', async t => {
  const gone = Array.from({ length: 10 }, () => new LeasefsError('UNAVAILABLE', 'gone'))
  const { clock, stored } = asked([...gone, reply])
  const found = stored()
  await clock.advance(4000)
  t.same(await found, [{ start: 0, end: block }])
})

t.test('how long a chunk is any replica says; one that is not there has no bytes', async t => {
  t.equal(await asked([{ ...reply, length: 77 }]).length(), 77)
  t.equal(await asked([], false).length(), 0)
})

t.test('where the order stands only the primary says', async t => {
  const { log, order } = asked([{ ...reply, leaseId: 3, serial: 0 }, reply])
  t.same(await order(), { leaseId: 3, serial: 0 })
  t.equal(await order(), undefined, 'it is not the primary any more')
  t.equal(await order(), undefined, 'it does not answer')
  t.same(log, ['b', 'b', 'forget', 'b', 'forget'])
  t.equal(await asked([], false).order(), undefined)
})
