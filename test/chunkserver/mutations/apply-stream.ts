import t, { type Test } from 'tap'
import { LeasefsError } from '../../../src/base/errors.js'
import { aliveMs, applyDataWaitMs, replicaWaitMs } from '../../../src/chunkserver/limits.js'
import type { ChunkStore } from '../../../src/chunkserver/store/chunk-store.js'
import { serverLeaseMs } from '../../../src/constants.js'
import type { ControlStream } from '../../../src/rpc/control-network.js'
import type { Applied, Apply, PrimaryToSecondary, SecondaryToPrimary } from '../../../src/wire/gen/mutation.js'
import { ChunkserverService } from '../../../src/wire/gen/services.js'
import { clusterId, handle, type TestClient, TestCluster } from '../harness.js'

/** A primary that says what the test likes. */
class FakePrimary {
  readonly stream: ControlStream<PrimaryToSecondary, SecondaryToPrimary>
  readonly applied: Applied[] = []
  signsOfLife = 0
  closedWith: string | undefined

  constructor(cluster: TestCluster, cluster_ = clusterId) {
    const address = cluster.addressOf(0)
    this.stream = cluster.control.connect(address).open(ChunkserverService.applyMutations)
    this.stream.send({ message: { $case: 'hello', value: { clusterId: cluster_, serverId: 'p' } } })
    this.stream.onMessage(({ applied }) => {
      if (applied) this.applied.push(applied)
      else this.signsOfLife++
    })
    this.stream.onClose(({ code }) => {
      this.closedWith = code
    })
  }

  apply(firstSerial: number, mutations: Apply['mutations'], { version = 1, leaseId = 1 } = {}): void {
    this.stream.send({ message: { $case: 'apply', value: { handle, version, leaseId, firstSerial, mutations } } })
  }

  get outcomes(): string[] {
    return this.applied.map(({ firstSerial, failure }) => `${firstSerial} ${failure?.code ?? 'OK'}`)
  }
}

async function started(t: Test): Promise<{ cluster: TestCluster; primary: FakePrimary; client: TestClient }> {
  const cluster = await TestCluster.start(t, 1)
  await cluster.master.command('s0', { $case: 'create', value: { handle, version: 1 } })
  const primary = new FakePrimary(cluster)
  t.teardown(() => primary.stream.close())
  return { cluster, primary, client: cluster.client(1) }
}

async function pushed(cluster: TestCluster, client: TestClient, offset: number, text: string) {
  const mutation = client.write(offset, text.length)
  await cluster.until(client.push(mutation.id, Buffer.from(text)))
  return mutation
}

t.test('applies are done in serial order and answered in it', async t => {
  const { cluster, primary, client } = await started(t)
  const late = client.write(0, 3)
  primary.apply(1, [late])
  primary.apply(2, [await pushed(cluster, client, 1, 'BBB')])
  await cluster.clock.advance(500)
  t.same(primary.outcomes, [], 'the second waits for the first')
  await cluster.until(client.push(late.id, Buffer.from('aaa')))
  await cluster.clock.advance(1)
  t.same(primary.outcomes, ['1 OK', '2 OK'])
  t.same(await cluster.contents(), ['aBBB'])
})

t.test('a gap is refused, and what follows it', async t => {
  const { cluster, primary, client } = await started(t)
  primary.apply(1, [await pushed(cluster, client, 0, 'a')])
  primary.apply(3, [await pushed(cluster, client, 0, 'c')])
  primary.apply(4, [await pushed(cluster, client, 0, 'd')])
  await cluster.clock.advance(1)
  t.same(primary.outcomes, ['1 OK', '3 REPLICA_FAILED', '4 REPLICA_FAILED'])
  t.same(await cluster.contents(), ['a'])
})

t.test('a lower lease is refused, a higher one begins at serial 1', async t => {
  const { cluster, primary, client } = await started(t)
  primary.apply(1, [await pushed(cluster, client, 0, 'a')], { leaseId: 5 })
  primary.apply(2, [await pushed(cluster, client, 0, 'b')], { leaseId: 4 })
  primary.apply(2, [await pushed(cluster, client, 0, 'c')], { leaseId: 6 })
  await cluster.clock.advance(1)
  t.same(primary.outcomes, ['1 OK', '2 STALE_VERSION', '2 REPLICA_FAILED'])
  primary.apply(1, [await pushed(cluster, client, 0, 'd')], { leaseId: 7 })
  await cluster.clock.advance(1)
  t.equal(primary.outcomes.at(-1), '1 OK')
  t.same(await cluster.contents(), ['d'])
})

t.test('what an older lease ordered and has not begun is given up when a newer one comes', async t => {
  const { cluster, primary, client } = await started(t)
  primary.apply(1, [client.write(0, 1)], { leaseId: 1 })
  await cluster.clock.advance(1)
  primary.apply(1, [await pushed(cluster, client, 0, 'n')], { leaseId: 2 })
  await cluster.clock.advance(1)
  t.same(primary.outcomes, ['1 STALE_VERSION', '1 OK'])
  t.same(await cluster.contents(), ['n'])
})

t.test('another version is refused; a later one is waited for', async t => {
  const { cluster, primary, client } = await started(t)
  primary.apply(1, [await pushed(cluster, client, 0, 'a')], { version: 2 })
  await cluster.clock.advance(100)
  t.same(primary.outcomes, [])
  t.equal(await cluster.master.command('s0', { $case: 'raise', value: { handle, fromVersion: 1, toVersion: 2 } }), 'OK')
  await cluster.clock.advance(1)
  t.same(primary.outcomes, ['1 OK'])
  primary.apply(2, [await pushed(cluster, client, 0, 'b')], { version: 1 })
  await cluster.clock.advance(1)
  t.equal(primary.outcomes.at(-1), '2 STALE_VERSION')
})

t.test('an apply before its replica waits for it, not for ever', async t => {
  const cluster = await TestCluster.start(t, 1)
  const primary = new FakePrimary(cluster)
  t.teardown(() => primary.stream.close())
  const client = cluster.client(1)
  primary.apply(1, [await pushed(cluster, client, 0, 'a')])
  primary.apply(2, [await pushed(cluster, client, 1, 'b')])
  await cluster.clock.advance(100)
  t.equal(await cluster.master.command('s0', { $case: 'create', value: { handle, version: 1 } }), 'OK')
  await cluster.clock.advance(1)
  t.same(primary.outcomes, ['1 OK', '2 OK'])
  primary.apply(3, [await pushed(cluster, client, 1, 'c')], { version: 9 })
  await cluster.clock.advance(replicaWaitMs + 1)
  t.equal(primary.outcomes.at(-1), '3 NOT_FOUND')
})

t.test('an apply for a replica that cannot be made is refused when that is known, and later ones at once', async t => {
  const cluster = await TestCluster.start(t, 0)
  let isFull = true
  const wrap = (store: ChunkStore): ChunkStore => {
    const create = store.create.bind(store)
    store.create = async (...args) => {
      if (isFull) throw new LeasefsError('NO_SPACE', 'full')
      await create(...args)
    }
    return store
  }
  await cluster.addServer('s0', { wrap })
  const primary = new FakePrimary(cluster)
  t.teardown(() => primary.stream.close())
  const client = cluster.client(1)
  const create = () => cluster.master.command('s0', { $case: 'create', value: { handle, version: 1 } })
  primary.apply(1, [await pushed(cluster, client, 0, 'a')])
  await cluster.clock.advance(100)
  t.equal(await create(), 'NO_SPACE')
  await cluster.clock.advance(1)
  t.same(primary.outcomes, ['1 NO_SPACE'])
  primary.apply(1, [await pushed(cluster, client, 0, 'a')])
  await cluster.clock.advance(1)
  t.same(primary.outcomes.slice(1), ['1 NO_SPACE'])
  isFull = false
  t.equal(await create(), 'OK')
  primary.apply(1, [await pushed(cluster, client, 0, 'a')])
  await cluster.clock.advance(1)
  t.same(primary.outcomes.slice(2), ['1 OK'])
})

t.test('data that never comes is DATA_UNKNOWN, and the replica takes no more', async t => {
  const { cluster, primary, client } = await started(t)
  const lost = client.write(0, 1)
  primary.apply(1, [lost])
  primary.apply(2, [await pushed(cluster, client, 0, 'b')])
  await cluster.clock.advance(applyDataWaitMs + 1)
  t.same(primary.outcomes, ['1 DATA_UNKNOWN', '2 DATA_UNKNOWN'])
  t.same(primary.applied[0]?.missing, [lost.id])
  primary.apply(1, [await pushed(cluster, client, 0, 'c')], { leaseId: 2 })
  await cluster.clock.advance(1)
  t.equal(primary.outcomes.at(-1), '1 REPLICA_FAILED')
  t.ok(primary.signsOfLife >= applyDataWaitMs / aliveMs - 1, 'it said that it was alive')
  t.equal(
    await cluster.master.command('s0', { $case: 'raise', value: { handle, fromVersion: 1, toVersion: 2 } }),
    'REPLICA_FAILED',
  )
})

t.test('a server that lost its master applies nothing when its server lease ends', async t => {
  const { cluster, primary, client } = await started(t)
  const mutation = await pushed(cluster, client, 0, 'a')
  await cluster.master.stop()
  await cluster.clock.advance(serverLeaseMs + 1000)
  primary.apply(1, [mutation])
  await cluster.clock.advance(1)
  t.same(primary.outcomes, ['1 UNAVAILABLE'])
})

t.test('a primary of another cluster, one without a hello and nonsense are refused', async t => {
  const { cluster } = await started(t)
  const stranger = new FakePrimary(cluster, 'cluster-2')
  await cluster.clock.advance(1)
  t.equal(stranger.closedWith, 'WRONG_CLUSTER')
  const address = cluster.addressOf(0)
  const closed: string[] = []
  const rude = cluster.control.connect(address).open(ChunkserverService.applyMutations)
  rude.onClose(({ code }) => closed.push(code))
  rude.send({ message: { $case: 'apply', value: { handle, version: 1, leaseId: 1, firstSerial: 1, mutations: [] } } })
  await cluster.clock.advance(1)
  t.same(closed, ['INVALID_ARGUMENT'])
  const primary = new FakePrimary(cluster)
  t.teardown(() => primary.stream.close())
  primary.apply(0, [])
  await cluster.clock.advance(1)
  t.same(primary.outcomes, ['0 INVALID_ARGUMENT'])
})
