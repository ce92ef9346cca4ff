import t from 'tap'
import { SimulatedClock } from '../../../src/base/simulated-clock.js'
import { CacheLease } from '../../../src/master/clients/cache-lease.js'
import { Interest } from '../../../src/master/clients/interest.js'
import { recalledInosLength } from '../../../src/master/clients/limits.js'
import type { Invalidate } from '../../../src/wire/gen/client.js'
import type { Ino } from '../../../src/wire/ids.js'

const leaseMs = 1000
const [one, two, three] = [1 as Ino, 2 as Ino, 3 as Ino]

function open(limits: { readonly cachedInosMax?: number; readonly cachedInosTotalMax?: number } = {}) {
  const clock = new SimulatedClock()
  const interest = new Interest<CacheLease>()
  const lease = new CacheLease({ clock, leaseMs, interest, ...limits })
  const sent: Invalidate[] = []
  const attach = () => lease.attach(message => sent.push(message))
  return { clock, interest, lease, sent, attach }
}

/** Whether a promise has settled by now. */
async function settled(clock: SimulatedClock, promise: Promise<void> | undefined): Promise<boolean> {
  let done = promise === undefined
  promise?.then(() => {
    done = true
  })
  await clock.advance(0)
  return done
}

t.test('what was not registered is not asked for', async t => {
  const { lease, sent, attach } = open()
  attach()
  t.equal(lease.invalidate([one]), undefined)
  t.same(sent, [])
})

t.test('what was registered is taken back once, until it is registered again', async t => {
  const { clock, interest, lease, sent, attach } = open()
  attach()
  lease.register([one, two])
  t.same(interest.holders(one), [lease])
  const first = lease.invalidate([one, three])
  t.same(sent, [{ number: 1, inos: [one] }])
  const second = lease.invalidate([one])
  t.equal(sent.length, 1, 'it is on its way already')
  t.same([await settled(clock, first), await settled(clock, second)], [false, false], 'but both wait')
  lease.acknowledged(1)
  t.same([await settled(clock, first), await settled(clock, second)], [true, true])
  t.same([interest.holders(one), interest.holders(two)], [[], [lease]])
  lease.register([one])
  lease.invalidate([one])
  t.equal(sent.at(-1)?.number, 2)
})

t.test('registered again while it is being taken back, it is taken back again', async t => {
  const { clock, interest, lease, sent, attach } = open()
  attach()
  lease.register([one])
  const first = lease.invalidate([one])
  lease.register([one])
  const second = lease.invalidate([one])
  t.equal(sent.length, 2)
  lease.acknowledged(1)
  t.same([await settled(clock, first), await settled(clock, second)], [true, false])
  t.same(interest.holders(one), [lease])
  lease.acknowledged(2)
  t.ok(await settled(clock, second))
  t.same(interest.holders(one), [])
  lease.acknowledged(2)
  lease.acknowledged(99)
})

t.test('a wait ends with the lease, and after that there is none', async t => {
  const { clock, lease, sent, attach } = open()
  attach()
  lease.register([one, two])
  lease.ping(() => {})
  await clock.advance(leaseMs / 2)
  const wait = lease.invalidate([one])
  await clock.advance(leaseMs / 2 - 1)
  t.notOk(await settled(clock, wait))
  await clock.advance(1)
  t.ok(await settled(clock, wait))
  t.equal(lease.invalidate([two]), undefined)
  t.equal(sent.length, 2, 'told all the same: its lease may be renewed')
})

t.test('pings renew the lease, except while an Invalidate before them is unanswered', async t => {
  const { clock, lease, attach } = open()
  attach()
  lease.register([one, two])
  let pongs = 0
  const ping = () => lease.ping(() => pongs++)
  for (let round = 0; round < 3; round++) {
    await clock.advance(leaseMs / 2)
    ping()
  }
  t.equal(pongs, 3)
  const wait = lease.invalidate([one])
  ping()
  ping()
  t.equal(pongs, 3)
  const later = lease.invalidate([two])
  lease.acknowledged(1)
  t.ok(await settled(clock, wait))
  t.equal(pongs, 4, 'one answer for both, and the later Invalidate does not hold it')
  await clock.advance(leaseMs)
  t.ok(await settled(clock, later))
})

t.test('a new stream has nothing cached, and a lost one keeps its lease', async t => {
  const { clock, interest, lease, sent, attach } = open()
  attach()
  lease.register([one, two])
  lease.detach()
  const wait = lease.invalidate([one])
  t.notOk(await settled(clock, wait))
  t.same(sent, [], 'there is nothing to send it on')
  attach()
  t.ok(await settled(clock, wait))
  t.equal(interest.size, 0)
  t.equal(lease.invalidate([two]), undefined)
})

t.test('from a restart to its return, or the end of its lease, a client may have anything', async t => {
  const returning = open()
  t.ok(returning.lease.unknown)
  const wait = returning.lease.invalidate([one])
  t.notOk(await settled(returning.clock, wait))
  returning.attach()
  t.ok(await settled(returning.clock, wait))
  t.equal(returning.lease.unknown, undefined)

  const silent = open()
  const other = silent.lease.invalidate([one])
  await silent.clock.advance(leaseMs)
  t.ok(await settled(silent.clock, other))
  t.equal(silent.lease.unknown, undefined)
})

t.test('the end of a session ends every wait', async t => {
  const { clock, interest, lease, attach } = open()
  attach()
  lease.register([one, two])
  const wait = lease.invalidate([one])
  lease.end()
  t.ok(await settled(clock, wait))
  t.equal(interest.size, 0)
})

t.test('a session that has ended caches nothing, though requests of it are still being answered', async t => {
  const { interest, lease, attach } = open()
  attach()
  lease.register([one])
  lease.invalidate([one])
  lease.end()
  lease.register([one, two])
  t.same([interest.holders(one), interest.holders(two)], [[], []])
  t.equal(lease.invalidate([one, two]), undefined, 'nobody waits for it')
})

t.test('beyond its limit the oldest are taken back', async t => {
  const max = recalledInosLength + 10
  const { interest, lease, sent, attach } = open({ cachedInosMax: max })
  attach()
  const inos = Array.from({ length: max }, (_, at) => (at + 1) as Ino)
  lease.register(inos)
  t.same(sent, [])
  lease.register([(max + 1) as Ino])
  t.same(sent, [{ number: 1, inos: inos.slice(0, recalledInosLength) }])
  t.same(interest.holders(one), [lease], 'whoever changes it waits until it is dropped')
  lease.acknowledged(1)
  t.same(interest.holders(one), [])
  t.equal(interest.size, 11)
})

t.test('an Invalidate waits for the answers under way about the same, and so does a pong', async t => {
  const { clock, lease, sent, attach } = open()
  attach()
  lease.register([one, two])
  const answered = lease.beginAnswer([one])
  const wait = lease.invalidate([one])
  lease.invalidate([two])
  t.same(sent, [{ number: 2, inos: [two] }])
  await clock.advance(leaseMs)
  t.ok(await settled(clock, wait), 'the lease has ended')
  const pongs: number[] = []
  lease.ping(() => pongs.push(sent.length))
  await clock.advance(0)
  t.same(pongs, [], 'it would be renewed before it has heard')
  answered()
  await clock.advance(0)
  t.same(sent.at(-1), { number: 1, inos: [one] })
  t.same(pongs, [2])
})

t.test('an Invalidate that waited is not sent on another stream', async t => {
  const { clock, lease, sent, attach } = open()
  attach()
  lease.register([one])
  const answered = lease.beginAnswer([one])
  lease.invalidate([one])
  lease.detach()
  lease.attach(message => sent.push(message))
  answered()
  await clock.advance(0)
  t.same(sent, [])
})

t.test('a watch tells that an inode was taken back', async t => {
  const { lease, attach } = open()
  attach()
  lease.register([one, two])
  const [first, second] = [lease.watch(one), lease.watch(two)]
  lease.invalidate([one])
  t.same([first.changed, second.changed], [true, false])
  attach()
  t.ok(second.changed, 'a new stream has been told nothing')
  const ended = lease.watch(one)
  ended.end()
  lease.invalidate([one])
  t.notOk(ended.changed)
})

t.test('beyond the limit of all together, who asks for more gives up its oldest', async t => {
  const max = recalledInosLength + 10
  const { clock, interest, lease, sent, attach } = open({ cachedInosTotalMax: max })
  attach()
  const other = new CacheLease({ clock, leaseMs, interest })
  other.attach(() => t.fail('it has asked for nothing more'))
  other.register([1_000_001 as Ino])
  const inos = Array.from({ length: max + 1 }, (_, at) => (at + 1) as Ino)
  lease.register(inos.slice(0, max - 1))
  t.same(sent, [])
  lease.register(inos)
  lease.register(inos)
  t.same(sent, [{ number: 1, inos: inos.slice(0, recalledInosLength) }], 'some at a time')
})
