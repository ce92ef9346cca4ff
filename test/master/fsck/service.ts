import t, { type Test } from 'tap'
import { silentLog } from '../../../src/base/log.js'
import { SimulatedClock } from '../../../src/base/simulated-clock.js'
import { FsckService } from '../../../src/master/fsck/service.js'
import { MemoryControlNetwork } from '../../../src/rpc/memory-network.js'
import type { FsckReply } from '../../../src/wire/gen/admin.js'
import { MasterService } from '../../../src/wire/gen/services.js'

/** A master that has just started: a check waits for its servers. */
async function started(t: Test) {
  const clock = new SimulatedClock()
  const network = new MemoryControlNetwork(clock)
  const servers = { reporting: () => [], all: () => [] }
  const room = { clock, servers, absenceProvesAt: Number.POSITIVE_INFINITY }
  const nothing = { network, log: silentLog, snapshot: () => t.fail(), mend: async () => false, hurry: () => {} }
  const service = new FsckService({ room, ...nothing } as never)
  const { address } = await network.serve({ host: 'm', port: 0 }, [service.handler()])
  const peer = network.connect(address)
  const ask = () => {
    const said: NonNullable<FsckReply['message']>[] = []
    const stream = peer.open(MasterService.fsck)
    stream.onMessage(({ message }) => message && said.push(message))
    stream.onClose(() => {})
    stream.send({ deep: false, repair: false, missingOnly: false })
    return { stream, said }
  }
  return { clock, service, ask }
}

t.test('one check runs at a time, until whoever asked for it goes', async t => {
  const { clock, ask } = await started(t)
  const first = ask()
  await clock.advance(1000)
  t.match(first.said, [{ $case: 'progress', value: { text: /waiting for servers/ } }])
  const second = ask()
  await clock.advance(10)
  t.match(second.said, [{ $case: 'done', value: { failure: { code: 'UNAVAILABLE' } } }])
  first.stream.close()
  await clock.advance(1000)
  const third = ask()
  await clock.advance(1000)
  t.match(third.said, [{ $case: 'progress' }], 'the first is over')
})

t.test('a master that stops ends the check', async t => {
  const { clock, service, ask } = await started(t)
  const { said } = ask()
  await clock.advance(1000)
  await service.close()
  await clock.advance(10)
  t.match(said.at(-1), { $case: 'done', value: { failure: { code: 'CANCELLED' } } })
})
