// Claims 11, 12, 20 and 21: the lease has an initial timeout and is extended
// while mutations go on; unextended it ends, and the old primary stops.

import t from 'tap'
import { SystemClock } from '../../src/base/clock.js'
import { silentLog } from '../../src/base/log.js'
import { KiB, second } from '../../src/base/units.js'
import { GrpcNetwork } from '../../src/rpc/grpc-network.js'
import { parseAddress } from '../../src/wire/address.js'
import type { Committed } from '../../src/wire/gen/mutation.js'
import { ChunkserverService } from '../../src/wire/gen/services.js'
import { cannotMount, startCluster, until } from '../cluster/harness.js'
import { dataIdsOf, eventsOf, tell, writeFileStory, writeThrough } from './story.js'

const leaseMs = 2 * second

t.test('a lease lasts, is extended, ends, and is granted anew', { skip: cannotMount }, async t => {
  const cluster = await startCluster(t, { leaseMs })
  const story = await writeFileStory(cluster, 'file', 64 * KiB)
  const leaseId = story.chunk.lease?.leaseId
  const of = (event: string) => cluster.events(event).filter(({ handle }) => handle === story.chunk.handle)

  const expiries = () => of('lease.expire').filter(({ who }) => who === 'master')

  t.test('it has an initial timeout', async t => {
    const [reply] = eventsOf(story, 'locate.reply').filter(({ forWrite }) => forWrite)
    t.ok(Number(reply?.remainingMs) > 0)
    t.ok(Number(reply?.remainingMs) <= leaseMs)
  })

  t.test('while mutations go on it is extended beyond that', async t => {
    const end = performance.now() + 2 * leaseMs
    while (performance.now() < end) await writeThrough(story.file, Buffer.from('go on'))
    t.ok(of('lease.extend').length >= 2)
    t.equal((await tell(cluster, story.file)).chunk.lease?.leaseId, leaseId, 'the same lease after twice its time')
    t.equal(of('lease.expire').length, 0)
  })

  t.test('unextended it ends', async t => {
    await until('the lease has expired', () => expiries().length === 1, 4 * leaseMs)
    const [chunk] = (await cluster.locate(story.file)).chunks
    t.equal(chunk?.lease, null)
    const lastExtension = of('lease.extend').at(-1)
    const lasted = Number((expiries()[0]?.t ?? 0n) - (lastExtension?.t ?? 0n)) / 1e6
    t.ok(lasted >= leaseMs - 1, `a whole lease after the last extension: ${lasted} ms`)
  })

  t.test('the old primary orders no mutation any more', async t => {
    const holder = story.chunk.replicas.find(({ serverId }) => serverId === story.primary)
    const committed = await commitTo(t, holder?.controlAddress ?? '', (await cluster.status()).clusterId, story.chunk)
    t.equal(committed.failure?.code, 'NOT_PRIMARY')
  })

  t.test('the next write has a lease granted anew, with a higher id', async t => {
    await writeThrough(story.file, Buffer.from('again'))
    const after = await tell(cluster, story.file)
    t.equal(of('lease.grant').length, 2)
    t.ok((after.chunk.lease?.leaseId ?? 0) > (leaseId ?? 0))
    const dones = eventsOf(after, 'apply.done').filter(({ leaseId: id }) => id === after.chunk.lease?.leaseId)
    t.equal(Math.min(...dones.map(({ serial }) => Number(serial))), 1, 'serial numbers begin again with the lease')
    t.ok(dones.flatMap(dataIdsOf).length > 0)
  })
})

/** Sends a commit as a client would that has not noticed the end of the lease. */
async function commitTo(
  t: Tap,
  address: string,
  clusterId: string,
  chunk: { readonly handle: string; readonly version: number },
): Promise<Committed> {
  const peer = new GrpcNetwork(new SystemClock(), silentLog).connect(parseAddress(address))
  t.teardown(() => peer.close())
  const stream = peer.open(ChunkserverService.mutate)
  return new Promise((resolve, reject) => {
    stream.onClose(reject)
    stream.onMessage(({ committed }) => committed && resolve(committed))
    stream.send({ message: { $case: 'hello', value: { clusterId, sessionId: 2 ** 40 } } })
    const mutation = { id: { client: 2 ** 40, counter: 1 }, kind: { $case: 'truncate', value: { length: 0 } } } as const
    const commit = {
      number: 1,
      handle: Number.parseInt(chunk.handle, 16),
      version: chunk.version,
      mutations: [mutation],
    }
    stream.send({ message: { $case: 'commit', value: commit } })
  })
}

type Tap = Pick<typeof t, 'teardown'>
