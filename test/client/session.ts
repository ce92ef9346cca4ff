import t from 'tap'
import { deferred } from '../../src/base/deferred.js'
import { LeasefsError } from '../../src/base/errors.js'
import { goodbyeMs, invalidationWaitMs, streamSilentMs } from '../../src/client/limits.js'
import type { Session } from '../../src/client/session.js'
import { clientLeaseMs, formatVersion, heartbeatMs } from '../../src/constants.js'
import { attributesResult, clusterId, lookupOf, ScriptedMaster, stateOf } from './harness/master.js'

/** What listeners heard. */
function listen(session: Session): string[] {
  const heard: string[] = []
  session.listen({
    invalidated: inos => void heard.push(`invalidated ${inos.join()}`),
    reset: lost => void heard.push(lost ? 'lost' : 'reset'),
  })
  return heard
}

t.test('a session begins with a hello, and takes the cluster of its master', async t => {
  const master = await new ScriptedMaster().start()
  const session = await master.session(t)
  t.match(master.hellos, [{ clusterId: '', sessionId: 0, formatVersion, description: 'test' }])
  t.equal(session.id, 7)
  t.equal(session.clusterId, clusterId)
})

t.test('a master that does not fit is refused at once', async t => {
  const master = await new ScriptedMaster().start()
  const wrong = master.openSession({ clusterId: 'another' })
  wrong.catch(() => {})
  await master.settle()
  await t.rejects(wrong, { code: 'WRONG_CLUSTER' })
  master.refuse = new LeasefsError('NEWER_FORMAT', 'too new')
  const refused = master.openSession()
  refused.catch(() => {})
  await master.settle()
  await t.rejects(refused, { code: 'NEWER_FORMAT' })
})

t.test('a master that does not answer is UNAVAILABLE in the end', async t => {
  const master = new ScriptedMaster()
  const opening = master.openSession({ connectTimeoutMs: 5000 })
  opening.catch(() => {})
  await master.settle(4999)
  t.equal(await stateOf(opening), 'pending')
  await master.settle(1)
  await t.rejects(opening, { code: 'UNAVAILABLE' })
})

t.test('an answer the broken stream took with it is asked for again, under its number', async t => {
  const master = await new ScriptedMaster().start()
  const session = await master.session(t)
  master.answer = () => 'later'
  const asked = session.request(lookupOf('a'))
  await master.settle()
  master.cut()
  master.answer = () => attributesResult(5)
  await master.settle(1000)
  t.match(await asked, attributesResult(5))
  t.same(
    master.requests.map(({ number }) => number),
    [1, 1],
  )
  t.match(master.hellos[1], { sessionId: 7, clusterId })
})

t.test('caches may be used for the client lease after the last answered ping was sent', async t => {
  const master = await new ScriptedMaster().start()
  const session = await master.session(t)
  t.ok(session.mayUseCaches)
  await master.settle(10 * clientLeaseMs)
  t.ok(session.mayUseCaches, 'pings keep it')
  master.pongs = false
  await master.settle(clientLeaseMs - heartbeatMs - 1)
  t.ok(session.mayUseCaches)
  await master.settle(heartbeatMs + 1)
  t.notOk(session.mayUseCaches)
})

t.test('a lease that had run out comes back with empty caches', async t => {
  const master = await new ScriptedMaster().start()
  const session = await master.session(t)
  const heard = listen(session)
  master.pongs = false
  await master.settle(clientLeaseMs + heartbeatMs)
  master.pongs = true
  await master.settle(2 * heartbeatMs)
  t.ok(session.mayUseCaches)
  t.same(heard, ['reset'])
})

t.test(
  'while the master is away what is cached may be used until the lease ends, and no longer than it hears of us',
  async t => {
    const master = await new ScriptedMaster().start()
    const session = await master.session(t)
    const heard = listen(session)
    await master.settle(heartbeatMs)
    await master.stop()
    await master.settle(clientLeaseMs - heartbeatMs - 1)
    t.equal(session.mayUseCaches, true, 'nobody can have told the master that it was dropped')
    await master.settle(heartbeatMs + 1)
    t.equal(session.mayUseCaches, false)
    t.same(heard, [])

    await master.start()
    await master.settle(1000)
    t.equal(session.mayUseCaches, true)
    t.same(heard, ['reset'])
    await master.stop()
    await master.start()
    t.equal(master.hellos.length, 2)
    await master.settle(1000)
    t.equal(master.hellos.length, 3)
    t.same(heard, ['reset', 'reset'], 'once it is greeted again everything is dropped')
  },
)

t.test('an invalidation is heard first and acknowledged at once', async t => {
  const master = await new ScriptedMaster().start()
  const session = await master.session(t)
  const heard = listen(session)
  master.answer = () => 'later'
  const pending = session.request(lookupOf('a')) // Nothing waits for our own requests.
  pending.catch(() => {})
  master.invalidate(3, [10, 11])
  await master.settle()
  t.same(heard, ['invalidated 10,11'])
  t.same(master.acknowledged, [3])
})

t.test('the acknowledgement waits for caches that take a while, but not for long', async t => {
  const master = await new ScriptedMaster().start()
  const session = await master.session(t)
  const drops = [deferred<void>(), deferred<void>(), deferred<void>()]
  const left = [...drops]
  session.listen({ invalidated: () => left.shift()?.promise, reset: () => {} })
  for (const number of [1, 2, 3]) master.invalidate(number, [10])
  await master.settle()
  t.same(master.acknowledged, [])
  drops[0]?.resolve()
  drops[1]?.reject(new Error('it did not work'))
  await master.settle(1)
  t.same(master.acknowledged, [1, 2], 'nobody can do more about one that fails')
  await master.settle(invalidationWaitMs)
  t.same(master.acknowledged, [1, 2, 3])
})

t.test('what was invalidated under an earlier stream is not acknowledged on the next', async t => {
  const master = await new ScriptedMaster().start()
  const session = await master.session(t)
  const drop = deferred<void>()
  session.listen({ invalidated: () => drop.promise, reset: () => {} })
  master.invalidate(1, [10])
  await master.settle()
  master.cut()
  await master.settle(30)
  t.equal(master.hellos.length, 2)
  drop.resolve()
  await master.settle(1000)
  t.same(master.acknowledged, [])
})

t.test('how long caches may be used is what is left of the lease', async t => {
  const master = await new ScriptedMaster().start()
  const session = await master.session(t)
  t.equal(session.cacheValidMs, clientLeaseMs)
  master.pongs = false
  await master.settle(1000)
  t.equal(session.cacheValidMs, clientLeaseMs - 1000)
  await master.settle(clientLeaseMs)
  t.equal(session.cacheValidMs, 0)
})

t.test('a patient request outlives the time of the others, and the stream', async t => {
  const master = await new ScriptedMaster().start()
  const session = await master.session(t, { timeoutMs: 100 })
  master.answer = () => 'later'
  const end = new AbortController()
  const waiting = session.requestPatiently(lookupOf('a'), end.signal)
  await master.settle(1000)
  master.cut()
  await master.settle(1000)
  t.equal(await stateOf(waiting), 'pending')
  master.reply(1, attributesResult(5))
  await master.settle()
  t.match(await waiting, attributesResult(5))
  const closed = session.close()
  await t.rejects(session.requestPatiently(lookupOf('a'), end.signal), { code: 'CANCELLED' })
  await master.settle()
  await closed
})

t.test('a new stream of the same session empties the caches', async t => {
  const master = await new ScriptedMaster().start()
  const heard = listen(await master.session(t))
  master.cut()
  await master.settle(1000)
  t.same(heard, ['reset'])
})

t.test('the master is not greeted again before what it takes for dropped has been', async t => {
  const master = await new ScriptedMaster().start()
  const session = await master.session(t)
  const dropped = deferred<void>()
  session.listen({ invalidated: () => {}, reset: () => dropped.promise })
  master.cut()
  await master.settle(500)
  t.equal(master.hellos.length, 1)
  t.notOk(session.mayUseCaches)
  dropped.resolve()
  await master.settle()
  t.equal(master.hellos.length, 2)
  t.ok(session.mayUseCaches)
})

t.test('but what may not be used any more by itself is not waited for', async t => {
  const master = await new ScriptedMaster().start()
  const session = await master.session(t)
  session.listen({ invalidated: () => {}, reset: () => new Promise(() => {}) })
  master.cut()
  await master.settle(clientLeaseMs)
  t.equal(master.hellos.length, 2)
})

t.test('a session the master has forgotten is replaced by a new one', async t => {
  for (const how of ['welcomed anew', 'refused'] as const) {
    const master = await new ScriptedMaster().start()
    const session = await master.session(t)
    const heard = listen(session)
    master.sessionId = 8
    if (how === 'welcomed anew') master.resumed = false
    else master.refuse = new LeasefsError('SESSION_LOST', 'who?')
    master.cut()
    await master.settle(40)
    master.refuse = undefined
    master.resumed = false
    await master.settle(1000)
    t.same(heard, ['reset', 'lost'], how)
    t.equal(session.id, 8)
    t.ok(session.mayUseCaches)
    if (how === 'refused') t.equal(master.hellos.at(-1)?.sessionId, 0)
  }
})

t.test('data ids never repeat, across sessions', async t => {
  const master = await new ScriptedMaster().start()
  const session = await master.session(t)
  t.same(
    [session.nextDataId(), session.nextDataId()],
    [
      { client: 7, counter: 1 },
      { client: 7, counter: 2 },
    ],
  )
})

t.test('a stream on which nothing comes is given up for another', async t => {
  const master = await new ScriptedMaster().start()
  await master.session(t)
  master.pongs = false
  await master.settle(streamSilentMs + 2 * heartbeatMs)
  t.ok(master.hellos.length > 1)
})

t.test('closing says goodbye and rejects what is open', async t => {
  const master = await new ScriptedMaster().start()
  const session = await master.session(t)
  master.answer = () => 'later'
  const asked = session.request(lookupOf('a'))
  asked.catch(() => {})
  const closed = session.close()
  await t.rejects(asked, { code: 'CANCELLED' })
  await t.rejects(session.request(lookupOf('a')), { code: 'CANCELLED' })
  await master.settle()
  await closed
  t.equal(master.goodbyes, 1)
  t.notOk(session.mayUseCaches)
})

t.test('closing waits for the master to hear the goodbye, but not for ever', async t => {
  const master = await new ScriptedMaster().start()
  const session = await master.session(t)
  master.hears = false
  let isClosed = false
  const closed = session.close().then(() => {
    isClosed = true
  })
  await master.settle(goodbyeMs - 1)
  t.equal(isClosed, false)
  await master.settle(1)
  await closed
})
