import t from 'tap'
import { SimulatedClock } from '../../../src/base/simulated-clock.js'
import { SecondaryLinks } from '../../../src/chunkserver/mutations/secondary-links.js'
import { stream } from '../../../src/rpc/control-network.js'
import { MemoryControlNetwork } from '../../../src/rpc/memory-network.js'
import { ChunkserverService } from '../../../src/wire/gen/services.js'
import type { ServerId } from '../../../src/wire/ids.js'

const apply = { handle: 1, version: 1, leaseId: 1, firstSerial: 1, mutations: [] }
const serverId = 's' as ServerId

t.test('one stream to a server, another when it is elsewhere or the stream was lost', async t => {
  const clock = new SimulatedClock()
  const network = new MemoryControlNetwork(clock)
  let streams = 0
  const handlers = [stream(ChunkserverService.applyMutations, () => void streams++)]
  const [one, two] = await Promise.all(
    [1, 2].map(() => network.serve({ host: '127.0.0.1', port: 0 }, handlers).then(({ address }) => address)),
  )
  if (!one || !two) throw new Error('no address')
  const links = new SecondaryLinks(() => ({ network, clock, self: { clusterId: 'c', serverId: 'p' as ServerId } }))
  t.teardown(() => links.close())
  const outcomes: (string | undefined)[] = []
  const send = async (control: typeof one) => {
    links.send({ serverId, control }, apply, error => outcomes.push(error?.code))
    await clock.advance(1)
    return streams
  }
  t.equal(await send(one), 1)
  t.equal(await send(one), 1)
  t.equal(await send(two), 2)
  network.reset(one)
  await clock.advance(1)
  t.same(outcomes, ['UNAVAILABLE', 'UNAVAILABLE'])
  t.equal(await send(one), 3)
  links.close()
  t.equal(outcomes.length, 4, 'what is unanswered fails when they are closed')
})

t.test('a server that the master has given up has not applied, until the master names it again', async t => {
  const clock = new SimulatedClock()
  const network = new MemoryControlNetwork(clock)
  const handlers = [stream(ChunkserverService.applyMutations, () => {})]
  const { address: control } = await network.serve({ host: '127.0.0.1', port: 0 }, handlers)
  const links = new SecondaryLinks(() => ({ network, clock, self: { clusterId: 'c', serverId: 'p' as ServerId } }))
  t.teardown(() => links.close())
  const outcomes: (string | undefined)[] = []
  const send = () => links.send({ serverId, control }, apply, error => outcomes.push(error?.code))
  send()
  await clock.advance(1)
  t.same(outcomes, [], 'it does not answer')
  links.serverGone('other' as ServerId)
  t.same(outcomes, [])
  links.serverGone(serverId)
  t.same(outcomes, ['UNAVAILABLE'])
  send()
  t.same(outcomes, ['UNAVAILABLE', 'UNAVAILABLE'], 'at once')
  links.serverThere(serverId)
  send()
  await clock.advance(1)
  t.equal(outcomes.length, 2)
})
