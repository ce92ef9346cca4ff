import t from 'tap'
import { LeasefsError } from '../../../src/base/errors.js'
import { formatVersion } from '../../../src/constants.js'
import { helloMs } from '../../../src/master/clients/limits.js'
import { MemoryJournal } from '../../../src/master/journal/memory-journal.js'
import { clusterId, leaseMs, TestMaster } from '../harness/client.js'
import { root } from '../harness/namespace.js'

t.test('a client is welcomed with a session of its own', async t => {
  const master = await TestMaster.start(t)
  const [a, b] = [await master.connect(), await master.connect({ clusterId, description: 'second' })]
  t.match(a.welcome, { clusterId, resumed: false, clientLeaseMs: leaseMs, failure: undefined })
  t.not(a.sessionId, b.sessionId)
  t.match(master.namespace.state.sessions.find(b.sessionId), { description: 'second' })
})

t.test('who is not welcome hears why, and the stream ends', async t => {
  const master = await TestMaster.start(t)
  const cases: [hello: Parameters<typeof master.connect>[0], code: string][] = [
    [{ clusterId: 'another' }, 'WRONG_CLUSTER'],
    [{ formatVersion: formatVersion + 1 }, 'NEWER_FORMAT'],
    [{ formatVersion: 0 }, 'NOT_SUPPORTED'],
    [{ sessionId: 12345 }, 'SESSION_LOST'],
  ]
  for (const [hello, code] of cases) {
    const client = await master.connect(hello)
    t.match(client.welcome, { failure: { code }, sessionId: 0 })
    t.match(client.closed, { code })
  }
  t.equal(master.sessions.count, 0)
})

t.test('a stream on which nobody says hello is closed', async t => {
  const master = await TestMaster.start(t)
  const client = master.open()
  await master.advance(helloMs - 1)
  t.equal(client.closed, undefined)
  await master.advance(1)
  t.match(client.closed, { code: 'TIMEOUT' })
})

t.test('anything before the hello, or before the welcome, ends the stream', async t => {
  const master = await TestMaster.start(t)
  const early = master.open()
  early.ping()
  await master.settle()
  t.match(early.closed, { code: 'INVALID_ARGUMENT' })

  const hasty = master.open()
  hasty.hello()
  hasty.ask({ $case: 'getAttributes', value: { ino: root } })
  await master.settle()
  t.match(hasty.closed, { code: 'INVALID_ARGUMENT' })
})

t.test('a client that goes before it is welcomed leaves a session that ends by itself', async t => {
  const master = await TestMaster.start(t)
  const client = master.open()
  client.hello()
  client.stream.close()
  await master.settle()
  await master.advance(120_000)
  t.equal(master.sessions.count, 0)
})

t.test('a session the journal does not take is no session', async t => {
  class FullJournal extends MemoryJournal {
    full = false
    override append(payloads: readonly Buffer[]): void {
      if (this.full) throw new LeasefsError('NO_SPACE', 'full')
      super.append(payloads)
    }
  }
  const journal = new FullJournal()
  const master = await TestMaster.start(t, { journal })
  journal.full = true
  t.match((await master.connect()).welcome, { failure: { code: 'NO_SPACE' } })
  journal.full = false
  t.equal((await master.connect()).welcome?.failure, undefined)
})
