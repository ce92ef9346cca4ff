import t, { type Test } from 'tap'
import { SimulatedClock } from '../../../src/base/simulated-clock.js'
import { aliveMs, applyAgeMsMax, linkIdleMs, secondarySilenceMs } from '../../../src/chunkserver/limits.js'
import { SecondaryLink } from '../../../src/chunkserver/mutations/secondary-link.js'
import { type ControlStream, stream } from '../../../src/rpc/control-network.js'
import { MemoryControlNetwork } from '../../../src/rpc/memory-network.js'
import type { PrimaryToSecondary, SecondaryToPrimary } from '../../../src/wire/gen/mutation.js'
import { ChunkserverService } from '../../../src/wire/gen/services.js'
import type { ServerId } from '../../../src/wire/ids.js'

type Served = ControlStream<SecondaryToPrimary, PrimaryToSecondary>

/** A link to a secondary that the test plays. */
async function linked(t: Test) {
  const clock = new SimulatedClock()
  const network = new MemoryControlNetwork(clock)
  const seen: PrimaryToSecondary['message'][] = []
  const streams: Served[] = []
  const accept = (served: Served) => {
    streams.push(served)
    served.onMessage(({ message }) => seen.push(message))
  }
  const server = await network.serve({ host: '127.0.0.1', port: 0 }, [
    stream(ChunkserverService.applyMutations, accept),
  ])
  const self = { clusterId: 'c', serverId: 'p' as ServerId }
  const outcomes: string[] = []
  const secondary = { serverId: 's' as ServerId, control: server.address }
  const link = new SecondaryLink({ network, clock, self }, secondary, () => outcomes.push('closed'))
  t.teardown(() => link.close())
  const send = (handle: number, firstSerial: number) =>
    link.send({ handle, version: 1, leaseId: 1, firstSerial, mutations: [] }, error =>
      outcomes.push(`${handle}/${firstSerial} ${error?.code ?? 'OK'}`),
    )
  const answer = (handle: number, firstSerial: number, code?: string) => {
    const failure = code === undefined ? undefined : { code, message: '' }
    streams[0]?.send({ applied: { handle, leaseId: 1, firstSerial, failure, missing: [] } })
  }
  return { clock, server, link, seen, outcomes, send, answer, alive: () => streams[0]?.send({ applied: undefined }) }
}

t.test('applies of many chunks share the stream, and each is told its own answer', async t => {
  const { clock, link, seen, outcomes, send, answer } = await linked(t)
  send(1, 1)
  send(2, 1)
  send(1, 2)
  await clock.advance(1)
  t.match(seen[0], { $case: 'hello', value: { clusterId: 'c', serverId: 'p' } })
  t.equal(seen.length, 4)
  answer(2, 1, 'IO')
  answer(1, 1)
  answer(1, 2)
  await clock.advance(1)
  t.same(outcomes, ['2/1 IO', '1/1 OK', '1/2 OK'])
  t.ok(link.isOpen)
})

t.test('an answer to nothing ends the stream', async t => {
  const { clock, link, outcomes, send, answer } = await linked(t)
  send(1, 1)
  await clock.advance(1)
  answer(1, 2)
  await clock.advance(1)
  t.same(outcomes, ['closed', '1/1 UNAVAILABLE'])
  t.notOk(link.isOpen)
  send(1, 3)
  t.equal(outcomes.at(-1), '1/3 UNAVAILABLE')
})

t.test('a stream that closes fails what is unanswered', async t => {
  const { clock, server, outcomes, send } = await linked(t)
  send(1, 1)
  await clock.advance(1)
  await server.close()
  await clock.advance(1)
  t.same(outcomes, ['closed', '1/1 UNAVAILABLE'])
})

t.test('silence fails, signs of life do not, and too long is too long', async t => {
  const silent = await linked(t)
  silent.send(1, 1)
  await silent.clock.advance(secondarySilenceMs)
  t.same(silent.outcomes, [])
  await silent.clock.advance(2 * aliveMs)
  t.same(silent.outcomes, ['closed', '1/1 TIMEOUT'])

  const slow = await linked(t)
  slow.send(1, 1)
  for (let spent = 0; spent < applyAgeMsMax; spent += aliveMs) {
    await slow.clock.advance(aliveMs)
    slow.alive()
  }
  t.same(slow.outcomes, [])
  await slow.clock.advance(2 * aliveMs)
  t.same(slow.outcomes, ['closed', '1/1 TIMEOUT'])
})

t.test('a stream with nothing to do is closed after a while, not before', async t => {
  const { clock, link, send, answer } = await linked(t)
  await clock.advance(linkIdleMs / 2)
  send(1, 1)
  await clock.advance(1)
  answer(1, 1)
  await clock.advance(linkIdleMs - 2 * aliveMs)
  t.ok(link.isOpen)
  await clock.advance(3 * aliveMs)
  t.notOk(link.isOpen)
})
