import { setMaxListeners } from 'node:events'
import t from 'tap'
import { LeasefsError } from '../../src/base/errors.js'
import { SimulatedClock } from '../../src/base/simulated-clock.js'
import { MemorySurvivingMap } from '../../src/base/surviving-map.js'
import { answersKeptMax, requestsInFlightMax } from '../../src/client/limits.js'
import { type Operation, Requests, repeatable } from '../../src/client/requests.js'
import { Survival } from '../../src/client/survival.js'
import type { Request } from '../../src/wire/gen/client.js'
import { attributesResult, done, lookupOf } from './harness/master.js'

const timeoutMs = 1000
const unlink: Operation = { $case: 'unlink', value: { parent: 1, name: Buffer.from('x') } }

function make() {
  const clock = new SimulatedClock()
  const sent: Request[] = []
  const requests = new Requests(clock, timeoutMs, request => sent.push(request) > 0)
  const reply = (number: number, result = done) =>
    requests.answered({ number, failure: undefined, result, changed: [] })
  return { clock, sent, requests, reply, numbers: () => sent.map(({ number }) => number) }
}

t.test('requests are numbered from 1, many under way at once, answered in any order', async t => {
  const { requests, reply, numbers } = make()
  requests.resume()
  const [first, second] = [requests.ask(lookupOf('a')), requests.ask(lookupOf('b'))]
  t.same(numbers(), [1, 2])
  reply(2, attributesResult(2))
  reply(1, attributesResult(1))
  t.match([await first, await second], [attributesResult(1), attributesResult(2)])
})

t.test('answered_through is the last number before which nothing is open', async t => {
  const { requests, reply, sent } = make()
  requests.resume()
  const all = [1, 2, 3].map(() => requests.ask(lookupOf('a')))
  reply(2)
  void requests.ask(lookupOf('a')).catch(() => {})
  t.equal(sent.at(-1)?.answeredThrough, 0)
  reply(1)
  void requests.ask(lookupOf('a')).catch(() => {})
  t.equal(sent.at(-1)?.answeredThrough, 2)
  reply(3)
  await Promise.all(all)
})

t.test('what was not answered is sent again under its number, in order, once', async t => {
  const { requests, reply, numbers, sent } = make()
  requests.resume()
  const asked = ['a', 'b', 'c'].map(name => requests.ask(lookupOf(name)))
  reply(2)
  requests.suspend()
  const later = requests.ask(lookupOf('d'))
  t.same(numbers(), [1, 2, 3], 'nothing is sent while there is no stream')
  requests.resume()
  t.same(numbers(), [1, 2, 3, 1, 3, 4])
  t.same(sent[3]?.operation, sent[0]?.operation)
  for (const number of [1, 3, 4]) reply(number)
  await Promise.all([...asked, later])
  reply(3)
  requests.suspend()
  requests.resume()
  t.equal(sent.length, 6, 'an answer that comes twice changes nothing')
})

t.test('no more are under way than the limit; the rest wait for their turn', async t => {
  const { requests, reply, sent } = make()
  requests.resume()
  const all = Array.from({ length: requestsInFlightMax + 5 }, () => requests.ask(lookupOf('a')))
  t.equal(sent.length, requestsInFlightMax)
  for (let number = 1; number <= all.length; number++) reply(number)
  t.equal(sent.length, all.length)
  await Promise.all(all)
})

t.test('whoever waits too long gets an error; the number stays until it is answered', async t => {
  const { requests, reply, clock, numbers } = make()
  requests.resume()
  let absorbed: boolean | undefined
  const sent = requests.ask(lookupOf('a'), ({ awaited }) => {
    absorbed = awaited
  })
  requests.suspend()
  const unsent = requests.ask(lookupOf('b'))
  const outcomes = Promise.allSettled([sent, unsent])
  await clock.advance(timeoutMs)
  t.match(await outcomes, [{ reason: { code: 'TIMEOUT' } }, { reason: { code: 'UNAVAILABLE' } }])
  requests.resume()
  t.same(numbers(), [1, 1], 'the one is sent again, the other never was')
  reply(1)
  t.equal(absorbed, false, 'its answer is still absorbed')
})

t.test('an answer is absorbed as it arrives, and may be kept unless something was invalidated meanwhile', async t => {
  const { requests, reply } = make()
  requests.resume()
  const kept: boolean[] = []
  const asked = [1, 2].map(() => requests.ask(lookupOf('a'), ({ mayKeep }) => kept.push(mayKeep)))
  reply(1)
  t.same(kept, [true], 'at once')
  requests.invalidated()
  reply(2)
  t.same(kept, [true, false])
  await Promise.all(asked)
})

t.test('in a new session what may be done twice is asked again, the rest is lost', async t => {
  const { requests, reply, sent } = make()
  requests.resume()
  const read = requests.ask(lookupOf('a'))
  const change = requests.ask(unlink)
  requests.suspend()
  requests.renumber()
  await t.rejects(change, { code: 'SESSION_LOST' })
  requests.resume()
  t.equal(sent.at(-1)?.number, 1)
  t.equal(sent.at(-1)?.operation?.$case, 'lookup')
  reply(1)
  await read
})

const setLock: Operation = { $case: 'setLock', value: { ino: 1, lock: undefined, wait: true } }

t.test('a patient request waits beyond the time of the others', async t => {
  const { requests, reply, clock } = make()
  requests.resume()
  const asked = requests.askPatiently(setLock, new AbortController().signal)
  await clock.advance(100 * timeoutMs)
  reply(1)
  t.same(await asked, done)
})

t.test('patient ones do not keep the others from being sent', async t => {
  const { requests, reply, sent } = make()
  requests.resume()
  const end = new AbortController()
  setMaxListeners(0, end.signal)
  const patient = Array.from({ length: requestsInFlightMax + 1 }, () => requests.askPatiently(setLock, end.signal))
  const other = requests.ask(lookupOf('a'))
  t.equal(sent.length, requestsInFlightMax + 2)
  reply(requestsInFlightMax + 2)
  await other
  for (let number = 1; number <= patient.length; number++) reply(number)
  await Promise.all(patient)
})

t.test('the end of patience is told to the master, whose answer counts', async t => {
  const { requests, reply, sent, clock } = make()
  requests.resume()
  const end = new AbortController()
  const [refused, granted] = [1, 2].map(() => requests.askPatiently(setLock, end.signal))
  end.abort()
  t.match(
    sent.slice(2).map(({ operation }) => operation),
    [1, 2].map(number => ({ $case: 'cancelWait', value: { number } })),
  )
  for (const number of [3, 4]) reply(number)
  await clock.advance(1)
  requests.answered({ number: 1, failure: { code: 'CANCELLED', message: '' }, result: undefined, changed: [] })
  reply(2)
  await t.rejects(refused as Promise<unknown>, { code: 'CANCELLED' })
  t.same(await granted, done, 'it had been granted already')
  await t.rejects(requests.askPatiently(setLock, end.signal), { code: 'CANCELLED' }, 'and none is begun')
  t.equal(sent.length, 4)
})

t.test('a patient request that was not sent, or has no stream, is given up at once', async t => {
  const { requests, reply, numbers, sent } = make()
  const [first, second, third] = [1, 2, 3].map(() => new AbortController())
  const unsent = requests.askPatiently(setLock, first?.signal ?? AbortSignal.abort())
  first?.abort()
  await t.rejects(unsent, { code: 'CANCELLED' })
  requests.resume()
  t.same(numbers(), [])

  let awaited: boolean | undefined
  const lost = requests.askPatiently(setLock, second?.signal ?? AbortSignal.abort(), answer => {
    awaited = answer.awaited
  })
  const late = requests.askPatiently(setLock, third?.signal ?? AbortSignal.abort())
  third?.abort()
  requests.suspend()
  await t.rejects(late, { code: 'CANCELLED' }, 'its cancellation was under way')
  second?.abort()
  await t.rejects(lost, { code: 'CANCELLED' })
  requests.resume()
  t.same(
    sent.slice(3).map(({ number, operation }) => [number, operation?.$case]),
    [
      [1, 'setLock'],
      [2, 'setLock'],
      [3, 'cancelWait'],
      [4, 'cancelWait'],
    ],
    'the master hears of it when it can',
  )
  reply(1)
  t.equal(awaited, false)
})

t.test('in a new session a patient request waits on, and one that was cancelled does not', async t => {
  const { requests, reply, sent } = make()
  requests.resume()
  const end = new AbortController()
  const kept = requests.askPatiently(setLock, new AbortController().signal)
  const cancelled = requests.askPatiently(setLock, end.signal)
  end.abort()
  requests.suspend()
  await t.rejects(cancelled, { code: 'CANCELLED' })
  sent.length = 0
  requests.renumber()
  requests.resume()
  t.same(
    sent.map(({ number, operation }) => [number, operation?.$case]),
    [[1, 'setLock']],
  )
  reply(1)
  await kept
})

const cancelledReply = { failure: { code: 'CANCELLED', message: '' }, result: undefined, changed: [] }

t.test(
  'a patient request is asked for anew after many others, so that the answers to them can be forgotten',
  async t => {
    const { requests, reply, sent } = make()
    requests.resume()
    const end = new AbortController()
    const patient = requests.askPatiently(setLock, end.signal)
    for (let number = 2; number <= answersKeptMax; number++) {
      const asked = requests.ask(lookupOf('a'))
      reply(number)
      await asked
    }
    t.equal(sent.length, answersKeptMax)
    void requests.ask(lookupOf('a'))
    t.match(sent.at(-1), { operation: { $case: 'cancelWait', value: { number: 1 } }, answeredThrough: 0 })
    for (const number of [1, 2]) reply(answersKeptMax + number)
    requests.answered({ number: 1, ...cancelledReply })
    t.match(sent.at(-1), { number: answersKeptMax + 3, answeredThrough: answersKeptMax + 2, operation: setLock })
    end.abort()
    requests.answered({ number: answersKeptMax + 3, ...cancelledReply })
    await t.rejects(patient, { code: 'CANCELLED' }, 'then it is what the caller wants')
  },
)

t.test('a wait that is granted just then needs no renewal', async t => {
  const { requests, reply } = make()
  requests.resume()
  const patient = requests.askPatiently(setLock, new AbortController().signal)
  for (let number = 2; number <= answersKeptMax + 1; number++) {
    const asked = requests.ask(lookupOf('a'))
    reply(number)
    await asked
  }
  reply(1)
  t.same(await patient, done)
})

t.test('a master that says nothing to a cancellation is not waited for without end', async t => {
  const { requests, clock } = make()
  requests.resume()
  const end = new AbortController()
  const asked = requests.askPatiently(setLock, end.signal)
  end.abort()
  asked.catch(() => {})
  await clock.advance(timeoutMs)
  await t.rejects(asked, { code: 'CANCELLED' })
})

t.test('what changes names or attributes by itself is not repeated', async t => {
  t.ok(repeatable(lookupOf('a')))
  t.ok(repeatable({ $case: 'written', value: { ino: 1, size: 1, mtime: undefined, usage: [] } }))
  t.notOk(repeatable(unlink))
})

t.test('a malformed answer is the outcome of its request only', async t => {
  const { requests, reply } = make()
  requests.resume()
  const asked = requests.ask(lookupOf('a'))
  requests.answered({ number: 1, failure: undefined, result: undefined, changed: [] })
  await t.rejects(asked, { code: 'INTERNAL' })
  const next = requests.ask(lookupOf('a'))
  reply(2)
  await t.resolves(next)
})

t.test('the end rejects whatever is open', async t => {
  const { requests } = make()
  requests.resume()
  const asked = requests.ask(lookupOf('a'))

  requests.close(new LeasefsError('CANCELLED', 'over'))
  await t.rejects(asked, { code: 'CANCELLED' })
})

function survivable(map = new MemorySurvivingMap()) {
  const clock = new SimulatedClock()
  const sent: Request[] = []
  const survival = new Survival(map)
  const requests = new Requests(clock, timeoutMs, request => sent.push(request) > 0, survival)
  return { map, sent, survival, requests }
}

t.test('the next process asks what was not answered under its number, and begins behind all numbers', async t => {
  const first = survivable()
  first.survival.session(7, 'cluster')
  first.requests.resume()
  for (const cause of [100, 101, 102]) first.requests.ask(unlink, undefined, cause).catch(() => {})
  first.requests.ask(lookupOf('a')).catch(() => {})
  first.requests.answered({ number: 1, failure: undefined, result: done, changed: [] })

  const { requests, sent, survival } = survivable(first.map.next())
  let answered = false
  const waiting = requests.inheritedAnswered.then(() => {
    answered = true
  })
  requests.resume()
  t.match(sent, [
    { number: 2, answeredThrough: 1, operation: unlink },
    { number: 3, answeredThrough: 1, operation: unlink },
  ])
  t.equal(sent.length, 2, 'what only asks is for the program to ask again')
  requests.answered({ number: 2, failure: undefined, result: done, changed: [] })
  await new Promise(setImmediate)
  t.notOk(answered)
  requests.answered({ number: 3, failure: { code: 'NOT_FOUND', message: '' }, result: undefined, changed: [] })
  await waiting
  t.same(
    [100, 101, 102].map(cause => survival.outcome(cause)),
    ['done', 'done', undefined],
  )

  requests.ask(lookupOf('a')).catch(() => {})
  const { number = 0, answeredThrough } = sent.at(-1) ?? {}
  t.ok(number > 4, String(number))
  t.equal(answeredThrough, number - 1)
})

t.test('if the session is lost nobody knows what was done of that', async t => {
  const first = survivable()
  first.survival.session(7, 'cluster')
  first.requests.resume()
  first.requests.ask(unlink, undefined, 100).catch(() => {})
  const { requests, sent, survival } = survivable(first.map.next())
  requests.renumber()
  requests.resume()
  await requests.inheritedAnswered
  t.same(sent, [])
  t.equal(survival.outcome(100), 'unknown')
  requests.ask(lookupOf('a')).catch(() => {})
  t.match(sent, [{ number: 1 }])
})
