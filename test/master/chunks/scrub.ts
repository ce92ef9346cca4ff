import t from 'tap'
import { MasterService } from '../../../src/wire/gen/services.js'
import { FakeCluster } from './harness/cluster.js'
import { masterAddress } from './harness/fake-server.js'

t.test('the server that is named begins, or all that are connected', async t => {
  const cluster = await FakeCluster.start(t, 3)
  const peer = cluster.network.connect(masterAddress)
  t.teardown(() => peer.close())
  const ask = async (server: string) => {
    const reply = peer.call(MasterService.scrub, { server, bytesPerSecond: 7 }, { timeoutMs: 3000 })
    reply.catch(() => {})
    await cluster.clock.advance(100)
    return await reply
  }
  t.same((await ask('s2')).serverIds, ['s2'])
  t.same(cluster.server('s2').told('scrub'), [{ bytesPerSecond: 7 }])
  await t.rejects(ask('s9'), { code: 'NOT_FOUND' })
  cluster.server('s1').react = ({ $case }) => ($case === 'scrub' ? 'UNAVAILABLE' : undefined)
  t.same((await ask('')).serverIds.sort(), ['s2', 's3'])
  await t.rejects(ask('s1'), { code: 'UNAVAILABLE' })
})
