import t from 'tap'
import { serverLeaseMs } from '../../../src/constants.js'
import { incarnationsKept, serversMax } from '../../../src/master/chunks/limits.js'
import { type Registration, type ServerSession, Servers } from '../../../src/master/chunks/servers.js'
import type { ServerId } from '../../../src/wire/ids.js'
import { parseLocation } from '../../../src/wire/location.js'

const registration = (id: string, incarnation = 'one'): Registration => ({
  id: id as ServerId,
  incarnation,
  address: { serverId: id, controlAddress: 'h:1', dataAddress: 'h:2', location: '/d/r/h' },
  location: parseLocation('/d/r/h'),
  totalBytes: 1000,
  freeBytes: 500,
  seenLaterMaster: false,
})
const session = (): ServerSession => ({ command: async () => {}, tellGone: () => {}, close: () => {} })
const a = 'a' as ServerId
const space = { totalBytes: 1000, freeBytes: 400 }

t.test('a server serves when it has registered and reported', async t => {
  const servers = new Servers(serverLeaseMs)
  const mine = session()
  t.equal(servers.standing(a), 'gone')
  t.same(servers.register(registration('a'), mine, 0), { died: false })
  t.equal(servers.standing(a), 'reporting')
  servers.reported(a, mine)
  t.equal(servers.standing(a), 'serving')
  t.equal(servers.session(a), mine)
})

t.test('the server lease counts from when the master answered', async t => {
  const servers = new Servers(serverLeaseMs)
  const mine = session()
  servers.register(registration('a'), mine, 0)
  servers.heard(a, mine, space, 1_000)
  t.equal(servers.overdue(999 + serverLeaseMs).length, 0)
  t.match(servers.overdue(1_000 + serverLeaseMs), [{ id: a }])
})

t.test('a server whose session closed is silent for the rest of its lease', async t => {
  const servers = new Servers(serverLeaseMs)
  const mine = session()
  servers.register(registration('a'), mine, 0)
  servers.heard(a, mine, space, 700)
  t.ok(servers.sessionClosed(a, mine))
  t.equal(servers.standing(a), 'silent')
  t.equal(servers.session(a), undefined)
  t.same(servers.get(a)?.state, { kind: 'silent', until: 700 + serverLeaseMs })
  t.equal(servers.overdue(700 + serverLeaseMs).length, 1)
  t.notOk(servers.sessionClosed(a, mine), 'once')
})

t.test('who is gone is gone until it registers again', async t => {
  for (const kind of ['dead', 'left'] as const) {
    const servers = new Servers(serverLeaseMs)
    const mine = session()
    servers.register(registration('a'), mine, 0)
    servers.gone(a, kind)
    t.equal(servers.standing(a), 'gone')
    t.same(servers.overdue(1e9), [])
    t.notOk(servers.sessionClosed(a, mine))
    servers.register(registration('a'), session(), 10)
    t.equal(servers.standing(a), 'reporting')
  }
})

t.test('registering again replaces the session', async t => {
  const servers = new Servers(serverLeaseMs)
  const [first, second] = [session(), session()]
  servers.register(registration('a'), first, 0)
  t.same(servers.register(registration('a'), second, 1), { old: first, died: false })
  t.notOk(servers.sessionClosed(a, first), 'the old session is nobody’s')
  t.equal(servers.session(a), second)
})

t.test('a new incarnation proves the older one dead, for good', async t => {
  const servers = new Servers(serverLeaseMs)
  const first = session()
  servers.register(registration('a'), first, 0)
  t.same(servers.register(registration('a', 'two'), session(), 1), { old: first, died: true })
  t.throws(() => servers.register(registration('a', 'one'), session(), 2), { code: 'ALREADY_EXISTS' })
  t.equal(servers.get(a)?.incarnation, 'two')
})

t.test('only the latest incarnations are remembered', async t => {
  const servers = new Servers(serverLeaseMs)
  for (let i = 0; i <= incarnationsKept + 1; i++) servers.register(registration('a', `i${i}`), session(), i)
  t.throws(() => servers.register(registration('a', 'i1'), session(), 99), { code: 'ALREADY_EXISTS' })
  t.doesNotThrow(() => servers.register(registration('a', 'i0'), session(), 100))
})

t.test('what is being placed counts until the next heartbeat', async t => {
  const servers = new Servers(serverLeaseMs)
  const mine = session()
  servers.register(registration('a'), mine, 0)
  servers.placed(a, 100)
  servers.placed(a, 100)
  t.match(servers.get(a), { placedBytes: 200, freeBytes: 500 })
  servers.heard(a, mine, space, 5)
  t.match(servers.get(a), { placedBytes: 0, freeBytes: 400, heardAt: 5 })
})

t.test('servers are bounded: the one gone longest makes room', async t => {
  const servers = new Servers(serverLeaseMs)
  for (let i = 0; i < serversMax; i++) servers.register(registration(`s${i}`), session(), i)
  t.throws(() => servers.register(registration('more'), session(), 1e6), { code: 'UNAVAILABLE' })
  servers.gone('s5' as ServerId, 'dead')
  servers.gone('s3' as ServerId, 'left')
  servers.register(registration('more'), session(), 1e6)
  t.equal(servers.get('s3' as ServerId), undefined)
  t.ok(servers.get('s5' as ServerId))
})
