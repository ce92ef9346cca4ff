import t from 'tap'
import { LeasefsError } from '../../src/base/errors.js'
import { SimulatedClock } from '../../src/base/simulated-clock.js'
import { requestsInFlightMax } from '../../src/client/limits.js'
import { type Operation, Requests, repeatable } from '../../src/client/requests.js'
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
