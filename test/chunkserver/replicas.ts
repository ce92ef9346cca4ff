import t, { type Test } from 'tap'
import { LeasefsError } from '../../src/base/errors.js'
import { silentLog } from '../../src/base/log.js'
import { SimulatedClock } from '../../src/base/simulated-clock.js'
import { replicaIdleMs } from '../../src/chunkserver/limits.js'
import { SecondaryLinks } from '../../src/chunkserver/mutations/secondary-links.js'
import { PushBuffer } from '../../src/chunkserver/push-buffer.js'
import { Replicas } from '../../src/chunkserver/replicas.js'
import { MemoryStore } from '../../src/chunkserver/store/memory-store.js'
import { MemoryControlNetwork } from '../../src/rpc/memory-network.js'
import type { ChunkHandle, LeaseId, ServerId } from '../../src/wire/ids.js'

const handle = 1 as ChunkHandle
const lease = (leaseId: number, expiresAt: number) => ({ leaseId: leaseId as LeaseId, secondaries: [], expiresAt })

async function started(_t: Test) {
  const clock = new SimulatedClock()
  const store = new MemoryStore()
  await store.create(handle, 1)
  const self = { clusterId: 'c', serverId: 'p' as ServerId }
  const links = new SecondaryLinks(() => ({ network: new MemoryControlNetwork(clock), clock, self }))
  const failed: string[] = []
  const doubted: number[] = []
  const replicas = new Replicas({
    ...{ store, data: new PushBuffer(clock), links, clock, trace: undefined, log: silentLog },
    reportFailed: async () => [],
    refused: () => {},
    doubted: handle => doubted.push(handle),
    failed: (handle, wasPrimary) => failed.push(`${handle} ${wasPrimary}`),
  })
  return { clock, store, replicas, failed, doubted }
}

t.test('only what the store has is a replica, and always the same one', async t => {
  const { replicas } = await started(t)
  t.equal(replicas.get(2 as ChunkHandle), undefined)
  const replica = replicas.get(handle)
  t.equal(replica?.version, 1)
  t.equal(replicas.get(handle), replica)
})

t.test('who waits looks at once, after each change, and gives up in time', async t => {
  const { clock, store, replicas } = await started(t)
  t.equal(await replicas.await(handle, 1000, () => 'there'), 'there')
  const other = 2 as ChunkHandle
  const waiting = replicas.await(other, 1000, () => replicas.get(other)?.handle)
  await clock.advance(999)
  await store.create(other, 1)
  replicas.created(other)
  t.equal(await waiting, other)
  const never = replicas.await(3 as ChunkHandle, 1000, () => undefined)
  await clock.advance(1000)
  t.equal(await never, undefined)
  await t.rejects(
    replicas.await(handle, 1000, () => {
      throw new LeasefsError('STALE_VERSION', 'no')
    }),
    { code: 'STALE_VERSION' },
  )
})

t.test('primaries are known while they are, and expired leases end', async t => {
  const { clock, replicas } = await started(t)
  const replica = replicas.get(handle)
  replica?.becomePrimary(lease(1, 100))
  t.same([...replicas.primaries()], [replica])
  replicas.sweep(99, 60_000)
  t.equal(replica?.role.kind, 'primary')
  await clock.advance(100)
  replicas.sweep(100, 60_000)
  t.equal(replica?.role.kind, 'secondary')
  t.same([...replicas.primaries()], [])
})

t.test('a replica that nothing was heard of for long is forgotten, one that failed is not', async t => {
  const { clock, store, replicas, failed } = await started(t)
  const idle = replicas.get(handle)
  const other = 2 as ChunkHandle
  await store.create(other, 1)
  const broken = replicas.get(other)
  broken?.becomePrimary(lease(1, 100))
  broken?.fail(new LeasefsError('IO', 'disk'))
  t.same(failed, ['2 true'])
  t.ok(replicas.isFailed(other))
  await clock.advance(replicaIdleMs + 1)
  replicas.sweep(clock.now(), replicaIdleMs)
  t.equal(replicas.get(handle), idle, 'leases may last longer than that')
  replicas.sweep(clock.now(), 1000)
  t.not(replicas.get(handle), idle)
  t.equal(replicas.get(other), broken)
})

t.test('a replica that is forgotten stops', async t => {
  const { replicas } = await started(t)
  const replica = replicas.get(handle)
  replica?.becomePrimary(lease(1, 100))
  await replicas.forget(handle, new LeasefsError('NOT_FOUND', 'deleted'))
  t.same([...replicas.primaries()], [])
  t.not(replicas.get(handle), replica)
})
