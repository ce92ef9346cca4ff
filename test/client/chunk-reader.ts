import t from 'tap'
import { LeasefsError } from '../../src/base/errors.js'
import { SimulatedClock } from '../../src/base/simulated-clock.js'
import { ChunkReader } from '../../src/client/chunk-reader.js'
import { damageWaitMs, lastTryMs, suspectMs } from '../../src/client/limits.js'
import type { Operation, Result } from '../../src/client/requests.js'
import { checksumBlockSize } from '../../src/constants.js'
import type { Ino } from '../../src/wire/ids.js'
import { ScriptedData, ScriptedLocations } from './harness/chunks.js'
import { done } from './harness/master.js'

const timeoutMs = 20_000
const range = { ino: 10 as Ino, index: 0, offset: 100, length: 50 }

function make() {
  const clock = new SimulatedClock()
  const locations = new ScriptedLocations()
  const data = new ScriptedData()
  const reports: string[] = []
  const session = {
    async request(operation: Operation): Promise<Result> {
      if (operation.$case === 'reportReplica') reports.push(`${operation.value.serverId} ${operation.value.code}`)
      return done
    },
  }
  return { clock, locations, data, reports, reader: new ChunkReader({ locations, data, session, clock, timeoutMs }) }
}

t.test('the nearest replica is asked, by the version', async t => {
  const { reader, data } = make()
  t.same(Buffer.concat(await reader.read(range)), Buffer.alloc(50, 1))
  t.match(data.reads, [{ request: { handle: 100, version: 1, offset: 100, length: 50 } }])
})

t.test('what lies beyond the end of the replica is zeros, and so is a hole', async t => {
  const { reader, data, locations } = make()
  data.readFrom = () => Buffer.from('ab')
  t.same(Buffer.concat(await reader.read({ ...range, length: 4 })), Buffer.from('ab\0\0'))
  locations.answers = ['hole']
  t.same(Buffer.concat(await reader.read({ ...range, length: 3 })), Buffer.alloc(3))
  t.equal(data.reads.length, 1)
})

t.test('after a failure the next replica is read, and the master hears of the bad one', async t => {
  for (const code of ['CORRUPT', 'IO', 'UNAVAILABLE'] as const) {
    const { reader, data, reports } = make()
    data.readFrom = (port, { length }) =>
      port === data.reads[0]?.port ? new LeasefsError(code, 'bad') : Buffer.alloc(length, 2)
    t.same(Buffer.concat(await reader.read(range)), Buffer.alloc(50, 2), code)
    t.equal(data.reads.length, 2)
    t.match(reports, [new RegExp(`^s\\d ${code}$`)])
  }
})

t.test('a server that failed is asked last for a while', async t => {
  const { reader, data, clock } = make()
  let bad: number | undefined
  data.readFrom = (port, { length }) => {
    bad ??= port
    return port === bad ? new LeasefsError('UNAVAILABLE', 'gone') : Buffer.alloc(length)
  }
  await reader.read(range)
  await reader.read(range)
  t.equal(data.reads.length, 3, 'the second read does not try it')
  await clock.advance(suspectMs)
  await reader.read(range)
  t.equal(data.reads[3]?.port, bad)
})

t.test('a replica of another version makes us ask the master', async t => {
  const { reader, data, locations, clock } = make()
  locations.answers = [{}, { version: 2 }]
  data.readFrom = (_, { version, length }) =>
    version === 1 ? new LeasefsError('STALE_VERSION', 'old') : Buffer.alloc(length, 3)
  const reading = reader.read(range)
  await clock.advance(100)
  t.same(Buffer.concat(await reading), Buffer.alloc(50, 3))
  t.equal(locations.forgotten, 1)
  t.equal(data.reads.length, 2, 'the other replicas of the old version are not tried')
})

t.test('a chunk that can not be read is an error, never zeros', async t => {
  const { reader, data, clock } = make()
  data.readFrom = () => new LeasefsError('CORRUPT', 'bad')
  const reading = reader.read(range)
  reading.catch(() => {})
  await clock.advance(timeoutMs)
  await t.rejects(reading, { code: 'IO' })
  t.ok(data.reads.length > 6, 'after many attempts')
})

t.test('of replicas that are damaged in different places each gives what it has', async t => {
  const { reader, data } = make()
  const damaged: Record<number, number> = { 2001: 3, 2002: 17, 2003: 40 }
  data.readFrom = (port, { offset, length }) => {
    const at = (damaged[port] ?? 0) * checksumBlockSize
    if (offset <= at && at < offset + length) return new LeasefsError('CORRUPT', 'bad')
    return Buffer.alloc(length, offset / 256)
  }
  const bytes = Buffer.concat(await reader.read({ ...range, offset: 256, length: 50 * checksumBlockSize }))
  t.equal(bytes.length, 50 * checksumBlockSize)
  t.ok(data.reads.length < 40, `${data.reads.length} reads`)
})

t.test(
  'a block that all have lost costs nobody the others, and is waited for only as long as it may come back',
  async t => {
    const { reader, data, clock } = make()
    data.readFrom = (_, { offset, length }) => {
      const isHit = offset < 6 * checksumBlockSize && offset + length > 5 * checksumBlockSize
      return isHit ? new LeasefsError('CORRUPT', 'bad') : Buffer.alloc(length, 1)
    }
    await reader.read({ ...range, offset: 6 * checksumBlockSize, length: 1000 })
    await reader.read({ ...range, offset: 0, length: 5 * checksumBlockSize })
    let failed = false
    const reading = reader.read({ ...range, offset: 0, length: 10 * checksumBlockSize })
    reading.catch(() => {
      failed = true
    })
    await clock.advance(damageWaitMs - 1_000)
    t.notOk(failed)
    await clock.advance(1_000)
    await t.rejects(reading, { code: 'IO' })
  },
)

t.test('damage is not the last word while a replica is away', async t => {
  const { reader, data, clock } = make()
  data.readFrom = (port, { length }) => {
    if (port !== 2003) return new LeasefsError('CORRUPT', 'bad')
    return clock.now() < damageWaitMs + 1_000 ? new LeasefsError('UNAVAILABLE', 'away') : Buffer.alloc(length, 4)
  }
  const reading = reader.read({ ...range, length: 5 })
  await clock.advance(damageWaitMs + 2_000)
  t.same(Buffer.concat(await reading), Buffer.alloc(5, 4))
})

t.test('a chunk with no replica in reach is waited for', async t => {
  const { reader, locations, clock } = make()
  locations.answers = [{ servers: [] }, {}]
  const reading = reader.read(range)
  await clock.advance(100)
  t.same(Buffer.concat(await reading), Buffer.alloc(50, 1))
})

t.test('a chunk that nobody has is waited for once, not by each read', async t => {
  const { reader, locations, clock } = make()
  locations.answers = [{ servers: [] }]
  const failsAfter = async (read: typeof range) => {
    const began = clock.now()
    let ended: number | undefined
    const reading = reader.read(read).finally(() => {
      ended = clock.now()
    })
    reading.catch(() => {})
    while (ended === undefined && clock.now() < began + 3 * timeoutMs) await clock.advance(100)
    await t.rejects(reading, { code: 'IO' })
    return (ended ?? Number.POSITIVE_INFINITY) - began
  }
  const first = await failsAfter(range)
  t.ok(first > timeoutMs - 1_000 && first <= timeoutMs, `${first} ms`)
  t.ok((await failsAfter({ ...range, offset: 0 })) < 1_000)
  t.ok((await failsAfter({ ...range, offset: 10 })) < 1_000)
  t.ok((await failsAfter({ ...range, index: 1 })) > timeoutMs - 1_000, 'another chunk')

  t.ok((await failsAfter(range)) > timeoutMs - 1_000, 'later')

  locations.answers = [{}]
  t.same(Buffer.concat(await reader.read(range)), Buffer.alloc(50, 1))
  locations.answers = [{ servers: [] }]
  t.ok((await failsAfter(range)) > timeoutMs - 1_000, 'it had been back')
})

t.test('a master that does not answer is waited for once', async t => {
  const { reader, locations, clock } = make()
  locations.locate = () => new Promise(() => {})
  for (const [read, ms] of [
    ['the first', timeoutMs],
    ['the next', lastTryMs],
  ] as const) {
    const reading = reader.read(range)
    let failed = false
    reading.catch(() => {
      failed = true
    })
    await clock.advance(ms - 1)
    t.notOk(failed, read)
    await clock.advance(1)
    await t.rejects(reading, { code: 'TIMEOUT' }, read)
  }
})

t.test('what no other replica could do better fails at once', async t => {
  const { reader, data } = make()
  data.readFrom = () => new LeasefsError('INVALID_ARGUMENT', 'what?')
  await t.rejects(reader.read(range), { code: 'INVALID_ARGUMENT' })
  t.equal(data.reads.length, 1)
})
