import t from 'tap'
import { silentLog } from '../../src/base/log.js'
import { goalMax } from '../../src/constants.js'
import { pushesUnderWayMax, pushForwardTimeoutMs } from '../../src/dataplane/limits.js'
import { type PushFailure, PushLink } from '../../src/dataplane/push-link.js'
import type { Frame } from '../../src/wire/frames.js'
import { bytesOf, Cluster, dataId } from './harness.js'

const nowhere = { host: '127.0.0.1', port: 1 }

/** A link to a server that only listens, and a way to push one byte on it. */
async function link() {
  const cluster = new Cluster()
  const server = await cluster.rawServer()
  const { network, clock } = cluster
  const hello = () => ({ type: 'hello', clusterId: '', self: '' }) as const
  const link = new PushLink(server.address, { network, clock, log: silentLog, hello })
  const outcomes: (PushFailure | 'held' | undefined)[] = []
  const push = (counter: number, restLength = 0, bytes = bytesOf(1)) => {
    const rest = Array(restLength).fill(nowhere)
    outcomes[counter] = undefined
    link.begin({ id: dataId(counter), length: 1, crc32: 0, rest }, [bytes], failure => {
      outcomes[counter] = failure ?? 'held'
    })
  }
  const answer = async (frame: Frame) => {
    await clock.advance(1)
    server.peers[0]?.send(frame)
    await clock.advance(1)
  }
  return { clock, link, push, outcomes, answer }
}

t.test('acknowledgements may come in any order', async t => {
  const { push, outcomes, answer } = await link()
  for (const counter of [0, 1, 2]) push(counter)
  await answer({ type: 'pushAck', number: 3 })
  await answer({ type: 'pushAck', number: 1 })
  t.same(outcomes, ['held', undefined, 'held'])
})

t.test('a server blames itself or someone behind it, and no one else', async t => {
  const { push, outcomes, answer } = await link()
  for (const [counter, restLength] of [0, 1, 2].entries()) push(counter, restLength)
  const failure = { position: goalMax - 1, code: 'IO' as const, message: '' }
  for (const number of [1, 2, 3]) await answer({ type: 'pushAck', number, failure })
  t.match(outcomes, [{ position: 0 }, { position: 1 }, { position: 2 }])
})

t.test('an acknowledgement of what was not pushed closes the link', async t => {
  const { link: l, push, outcomes, answer } = await link()
  push(0)
  await answer({ type: 'pushAck', number: 2 })
  t.match(outcomes, [{ position: 0, error: { code: 'CORRUPT' } }])
  t.match(l.closed, { code: 'CORRUPT' })
})

t.test('an acknowledgement before the last byte closes the link', async t => {
  const { link: l, push, outcomes, answer } = await link()
  push(0, 0, Buffer.alloc(0))
  await answer({ type: 'pushAck', number: 1 })
  t.match(outcomes, [{ position: 0, error: { code: 'CORRUPT' } }])
  t.equal(l.write(bytesOf(1)), true, 'what still comes goes nowhere')
})

t.test('the server has time for each that is behind it', async t => {
  const { clock, push, outcomes } = await link()
  push(0, 2)
  await clock.advance(3 * pushForwardTimeoutMs - 10)
  t.same(outcomes, [undefined])
  await clock.advance(20)
  t.match(outcomes, [{ position: 0, error: { code: 'TIMEOUT' } }])
})

t.test('time counts only while the server owes something', async t => {
  const { clock, link: l, push, outcomes } = await link()
  push(0, 0, Buffer.alloc(0))
  await clock.advance(10 * pushForwardTimeoutMs)
  l.write(bytesOf(1))
  await clock.advance(pushForwardTimeoutMs - 10)
  t.same(outcomes, [undefined])
  await clock.advance(20)
  t.match(outcomes, [{ error: { code: 'TIMEOUT' } }])
})

t.test('only so many pushes are under way', async t => {
  const { push, outcomes, answer } = await link()
  for (let counter = 0; counter <= pushesUnderWayMax; counter++) push(counter)
  t.match(outcomes[pushesUnderWayMax], { position: 0, error: { code: 'UNAVAILABLE' } })
  t.equal(outcomes[0], undefined)
  await answer({ type: 'pushAck', number: 1 })
  push(1000)
  t.equal(outcomes[1000], undefined)
})
