import t from 'tap'
import { appliedIdsMax } from '../../../src/chunkserver/limits.js'
import { AppliedMutations } from '../../../src/chunkserver/mutations/applied-mutations.js'
import type { SessionId } from '../../../src/wire/ids.js'
import { codeOf, handle, TestCluster } from '../harness.js'

const mutation = (counter: number) => ({ id: { client: 1 as SessionId, counter }, serial: counter + 10 })

t.test('the latest are known, however often they are noted', async t => {
  const applied = new AppliedMutations()
  for (let n = 1; n <= appliedIdsMax; n++) applied.note(`1:${n}`, mutation(n))
  applied.note('1:1', mutation(1))
  applied.note('1:0', mutation(0))
  t.equal(applied.serialOf('1:2'), undefined, 'the one noted longest ago is not')
  t.equal(applied.serialOf('1:1'), 11)
  t.equal(applied.list().length, appliedIdsMax)
  t.same(applied.list().slice(-2), [mutation(1), mutation(0)])
})

t.test("another replica's list takes the place of its own", async t => {
  const [one, other] = [new AppliedMutations(), new AppliedMutations()]
  one.note('1:1', mutation(1))
  other.note('1:2', mutation(2))
  one.replace(other.list())
  t.same(one.list(), [mutation(2)])
  t.equal(one.serialOf('1:2'), 12)
})

/** The chunk gets version 2 without the first server, who is made level from whom, and its lease goes to the second. */
async function afterTheFirst(cluster: TestCluster, source: 's1' | 's2'): Promise<void> {
  cluster.control.silence(cluster.addressOf(0))
  const tell = async (id: string, command: Parameters<typeof cluster.master.command>[1]) =>
    t.equal(await cluster.until(cluster.master.command(id, command)), 'OK')
  for (const id of ['s1', 's2']) await tell(id, { $case: 'raise', value: { handle, fromVersion: 1, toVersion: 2 } })
  cluster.control.heal(cluster.addressOf(2))
  const other = source === 's1' ? 's2' : 's1'
  const level = { handle, version: 2, sourceVersion: 2 }
  await tell(source, { $case: 'level', value: { ...level, source: undefined } })
  await tell(other, { $case: 'level', value: { ...level, source: cluster.master.serverAddress(source) } })
  t.equal(await cluster.until(cluster.grant('s1', ['s2'], { version: 2, leaseId: 2 })), 'OK')
}

t.test('what was applied under the lease of a primary that died is not applied again under the next', async t => {
  const cluster = await TestCluster.start(t, 3)
  await cluster.createChunk()
  const client = cluster.client(1)
  const write = client.write(0, 3)
  const cut = { id: client.newId(), kind: { $case: 'truncate' as const, value: { length: 2 } } }
  await cluster.until(client.push(write.id, Buffer.from('one')))
  await cluster.until(client.commit([write, cut]))
  await afterTheFirst(cluster, 's2')
  const next = { version: 2, to: cluster.at(1) }
  const other = cluster.client(2)
  const two = other.write(0, 5)
  await cluster.until(other.push(two.id, Buffer.from('other'), cluster.servers.slice(1)))

  // The client did not hear the answer of the first.
  const again = await cluster.until(client.commit([write, cut], next))
  t.equal(codeOf(again), 'OK', 'without the bytes')
  t.match(again.usage, { leaseId: 2, serial: 0, allocatedBytes: 4096 })
  t.match(await cluster.until(other.commit([two], next)), { failure: undefined, firstSerial: 1 })
  t.equal(codeOf(await cluster.until(client.commit([cut], next))), 'OK')
  t.same((await cluster.contents()).slice(1), ['other', 'other'])
})

for (const source of ['s1', 's2'] as const) {
  const kept = source === 's1'
  t.test(
    `what the next primary ${kept ? 'keeps' : 'loses'} by levelling it ${kept ? 'knows' : 'does not know'}`,
    async t => {
      const cluster = await TestCluster.start(t, 3)
      await cluster.createChunk()
      const client = cluster.client(1)
      const write = client.write(0, 3)
      await cluster.until(client.push(write.id, Buffer.from('one'), cluster.servers.slice(0, 2)))
      cluster.control.silence(cluster.addressOf(2))
      client.commit([write])
      await cluster.clock.advance(500)
      t.same(await cluster.contents(), ['one', 'one', ''])
      await afterTheFirst(cluster, source)
      const content = kept ? 'one' : ''
      t.same((await cluster.contents()).slice(1), [content, content])

      const other = cluster.client(2)
      const two = other.write(0, 5)
      await cluster.until(other.push(two.id, Buffer.from('other'), cluster.servers.slice(1)))
      const next = { version: 2, to: cluster.at(1) }
      await cluster.until(other.commit([two], next))
      await cluster.until(client.push(write.id, Buffer.from('one'), cluster.servers.slice(1)))
      t.equal(codeOf(await cluster.until(client.commit([write], next))), 'OK')
      const both = kept ? 'other' : 'oneer'
      t.same((await cluster.contents()).slice(1), [both, both])
    },
  )
}
