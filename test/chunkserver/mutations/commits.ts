import t from 'tap'
import { commitAnswerMs, commitDataWaitMs, grantWaitMs } from '../../../src/chunkserver/limits.js'
import type { ChunkStore } from '../../../src/chunkserver/store/chunk-store.js'
import { leaseMs, serverLeaseMs } from '../../../src/constants.js'
import { codeOf, handle, TestCluster } from '../harness.js'

t.test('a commit is applied by all replicas, and only then answered', async t => {
  const cluster = await TestCluster.start(t, 3)
  await cluster.createChunk()
  const committed = await cluster.until(cluster.client(7).writeBytes(3, 'hello'))
  t.equal(codeOf(committed), 'OK')
  t.equal(committed.firstSerial, 1)
  t.same(await cluster.contents(), Array(3).fill('\0\0\0hello'))

  const events = cluster.events.map(({ event, who }) => `${event} ${who}`)
  const reply = events.indexOf('commit.reply s0')
  for (const who of ['s0', 's1', 's2']) t.ok(events.indexOf(`apply.done ${who}`) < reply, who)
  t.match(cluster.traced('commit.received')[0], { who: 's0', from: 'client:7', dataIds: ['7:1'], version: 1 })
  t.match(cluster.traced('apply.sent'), [
    { to: 's1', serial: 1, dataId: '7:1', leaseId: 1 },
    { to: 's2', serial: 1, dataId: '7:1', leaseId: 1 },
  ])
})

t.test('no success is answered while a secondary has not applied', async t => {
  const cluster = await TestCluster.start(t, 3)
  await cluster.createChunk()
  const client = cluster.client(7)
  const mutation = client.write(0, 3)
  await cluster.until(client.push(mutation.id, Buffer.from('abc')))
  cluster.control.silence(cluster.addressOf(2))
  const commit = client.commit([mutation])
  await cluster.clock.advance(1000)
  t.equal(cluster.traced('apply.done', 's1').length, 1)
  t.equal(cluster.traced('commit.reply').length, 0)
  cluster.control.heal(cluster.addressOf(2))
  t.equal(codeOf(await cluster.until(commit)), 'OK')
  t.equal(cluster.traced('apply.done', 's2').length, 1)
})

t.test('serial numbers are dense, and two clients at one region leave replicas byte-identical', async t => {
  const cluster = await TestCluster.start(t, 3)
  await cluster.createChunk()
  const clients = [cluster.client(1), cluster.client(2)]
  const commits = Array.from({ length: 60 }, (_, round) => {
    const client = clients[round % 2] as (typeof clients)[0]
    const text = String.fromCharCode(65 + round).repeat(10 + (round % 7))
    const mutation = client.write((round * 3) % 11, text.length)
    // Every other commit leaves before its data.
    const push = () => client.push(mutation.id, Buffer.from(text))
    if (round % 4 < 2) return Promise.all([client.commit([mutation]), push()]).then(([committed]) => committed)
    return push().then(() => client.commit([mutation]))
  })
  const committed = await cluster.until(Promise.all(commits))
  t.ok(committed.every(one => codeOf(one) === 'OK'))
  const [first, second, third] = await cluster.contents()
  t.ok(first)
  t.equal(first, second)
  t.equal(first, third)

  const orderOf = (who: string) => cluster.traced('apply.done', who).map(({ serial, dataId }) => `${serial} ${dataId}`)
  t.same(
    cluster.traced('apply.done', 's0').map(({ serial }) => serial),
    Array.from({ length: 60 }, (_, index) => index + 1),
  )
  t.same(orderOf('s1'), orderOf('s0'))
  t.same(orderOf('s2'), orderOf('s0'))
})

t.test('mutations of one commit have consecutive serial numbers and are applied in order', async t => {
  const cluster = await TestCluster.start(t, 2)
  await cluster.createChunk()
  const client = cluster.client(1)
  const writes = [client.write(0, 4), client.write(2, 4)] as const
  await cluster.until(client.push(writes[0].id, Buffer.from('aaaa')))
  await cluster.until(client.push(writes[1].id, Buffer.from('bbbb')))
  const truncate = { id: client.newId(), kind: { $case: 'truncate' as const, value: { length: 5 } } }
  const sync = { id: client.newId(), kind: { $case: 'sync' as const, value: {} } }
  const committed = await cluster.until(client.commit([...writes, truncate, sync]))
  t.equal(committed.firstSerial, 1)
  t.same(await cluster.contents(), ['aabbb', 'aabbb'])
  t.same(
    cluster.servers.map(({ disk }) => disk.synced.get(handle)?.length),
    [5, 5],
    'the sync has reached every disk',
  )
  t.same(
    cluster.traced('apply.done', 's1').map(({ serial }) => serial),
    [1, 2, 3, 4],
  )
})

t.test('a retry is applied once and answered as the first time', async t => {
  const cluster = await TestCluster.start(t, 2)
  await cluster.createChunk()
  const client = cluster.client(1)
  const mutation = client.write(0, 3)
  await cluster.until(client.push(mutation.id, Buffer.from('one')))
  const both = await cluster.until(Promise.all([client.commit([mutation]), client.commit([mutation])]))
  t.same(both.map(codeOf), ['OK', 'OK'], 'at once')
  await cluster.until(client.writeBytes(0, 'two'))
  await cluster.until(client.push(mutation.id, Buffer.from('one')))
  const again = await cluster.until(client.commit([mutation]))
  t.equal(again.firstSerial, 1)
  t.equal(codeOf(again), 'OK')
  t.same(await cluster.contents(), ['two', 'two'])
  t.equal(cluster.traced('apply.done', 's1').length, 2)
})

t.test('what is for after a place in the order happens there, or not at all', async t => {
  const cluster = await TestCluster.start(t, 2)
  await cluster.createChunk()
  const [client, other] = [cluster.client(1), cluster.client(2)]
  const cut = (length: number, afterLeaseId: number, afterSerial: number) => {
    const id = client.newId()
    return { id, kind: { $case: 'truncate' as const, value: { length, afterLeaseId, afterSerial } } }
  }
  const commit = async (mutation: ReturnType<typeof cut>) => codeOf(await cluster.until(client.commit([mutation])))
  await cluster.until(client.writeBytes(0, 'hello'))
  await cluster.until(other.writeBytes(5, ', world'))
  t.equal(await commit(cut(5, 1, 1)), 'CHANGED', 'another has written since')
  t.equal(await commit(cut(5, 2, 2)), 'CHANGED', 'that lease is not in force')
  t.same(await cluster.contents(), ['hello, world', 'hello, world'])

  const there = cut(5, 1, 2)
  t.equal(await commit(there), 'OK')
  t.same(await cluster.contents(), ['hello', 'hello'])
  await cluster.until(other.writeBytes(5, '!'))
  t.equal(await commit(there), 'OK', 'a retry is answered as the first time')
  t.same(await cluster.contents(), ['hello!', 'hello!'])
  t.same(
    cluster.traced('apply.done', 's1').map(({ serial }) => serial),
    [1, 2, 3, 4],
    'what was refused has left no gap',
  )
})

t.test('a retry together with something new gets serial numbers only for that', async t => {
  const cluster = await TestCluster.start(t, 2)
  await cluster.createChunk()
  const client = cluster.client(1)
  const first = client.write(0, 1)
  const second = client.write(1, 1)
  await cluster.until(client.push(first.id, Buffer.from('x')))
  await cluster.until(client.commit([first]))
  await cluster.until(client.push(second.id, Buffer.from('y')))
  const committed = await cluster.until(client.commit([first, second]))
  t.equal(codeOf(committed), 'OK')
  t.same(await cluster.contents(), ['xy', 'xy'])
  t.same(
    cluster.traced('apply.done', 's1').map(({ serial }) => serial),
    [1, 2],
  )
})

t.test('a commit before its data waits for it', async t => {
  const cluster = await TestCluster.start(t, 2)
  await cluster.createChunk()
  const client = cluster.client(1)
  const mutation = client.write(0, 2)
  const commit = client.commit([mutation])
  await cluster.clock.advance(1000)
  t.equal(cluster.traced('apply.sent').length, 0, 'no serial number is given')
  const [committed] = await cluster.until(Promise.all([commit, client.push(mutation.id, Buffer.from('ok'))]))
  t.equal(codeOf(committed), 'OK')
})

t.test('data that never comes is DATA_UNKNOWN, named, and leaves no gap', async t => {
  const cluster = await TestCluster.start(t, 2)
  await cluster.createChunk()
  const client = cluster.client(1)
  const lost = client.write(0, 2)
  const commit = client.commit([lost])
  const behind = client.writeBytes(5, 'behind')
  const other = await cluster.until(cluster.client(2).writeBytes(0, 'other'))
  t.equal(other.firstSerial, 1, 'another client does not wait')
  await cluster.clock.advance(commitDataWaitMs + 1)
  const committed = await cluster.until(commit)
  t.equal(codeOf(committed), 'DATA_UNKNOWN')
  t.same(committed.missing, [lost.id])
  t.equal((await cluster.until(behind)).firstSerial, 2, 'the commit behind it is ordered after it')
  t.same(await cluster.contents(), Array(2).fill('otherbehind'))
})

t.test('data of another length than the mutation says is refused before it has a serial number', async t => {
  const cluster = await TestCluster.start(t, 2)
  await cluster.createChunk()
  const client = cluster.client(1)
  const mutation = client.write(0, 5)
  await cluster.until(client.push(mutation.id, Buffer.from('four')))
  t.equal(codeOf(await cluster.until(client.commit([mutation]))), 'INVALID_ARGUMENT')
  t.equal((await cluster.until(client.writeBytes(0, 'x'))).firstSerial, 1)
})

t.test('a commit before the grant waits for it', async t => {
  const cluster = await TestCluster.start(t, 2)
  const client = cluster.client(1)
  const commit = client.writeBytes(0, 'early')
  await cluster.clock.advance(grantWaitMs / 2)
  await cluster.createChunk()
  t.equal(codeOf(await cluster.until(commit)), 'OK')
})

t.test('who holds no lease says NOT_PRIMARY, after a moment', async t => {
  const cluster = await TestCluster.start(t, 2)
  await cluster.createChunk()
  const client = cluster.client(1)
  const commit = client.commit([client.write(0, 1)], { to: cluster.at(1) })
  t.equal(codeOf(await cluster.until(commit)), 'NOT_PRIMARY')
  const unknown = client.commit([client.write(0, 1)], { chunk: 999 })
  t.equal(codeOf(await cluster.until(unknown)), 'NOT_PRIMARY')
})

t.test('a commit of an older version is STALE_VERSION at once', async t => {
  const cluster = await TestCluster.start(t, 1)
  await cluster.createChunk(5)
  t.equal(codeOf(await cluster.until(cluster.client(1).writeBytes(0, 'x', 4))), 'STALE_VERSION')
})

t.test('an expired lease orders nothing, an extended one does', async t => {
  const cluster = await TestCluster.start(t, 2)
  await cluster.createChunk()
  const client = cluster.client(1)
  for (let spent = 0; spent < 2 * leaseMs; spent += leaseMs / 4) {
    t.equal(codeOf(await cluster.until(client.writeBytes(0, 'x'))), 'OK', 'used, and so extended on heartbeats')
    await cluster.clock.advance(leaseMs / 4)
  }
  await cluster.clock.advance(leaseMs)
  t.equal(codeOf(await cluster.until(client.writeBytes(0, 'x'))), 'NOT_PRIMARY')
  t.equal(cluster.traced('lease.expire', 's0').length, 1)
})

t.test('a server that lost its master refuses mutations when its server lease ends', async t => {
  const cluster = await TestCluster.start(t, 2)
  await cluster.createChunk()
  const client = cluster.client(1)
  cluster.master.answering = false
  await cluster.clock.advance(serverLeaseMs - 1500)
  t.equal(codeOf(await cluster.until(client.writeBytes(0, 'x'))), 'OK')
  await cluster.master.stop()
  await cluster.clock.advance(serverLeaseMs)
  t.equal(codeOf(await cluster.until(client.writeBytes(0, 'x'))), 'UNAVAILABLE')
})

t.test('a commit that all replicas do not apply in time has an unknown outcome, and a retry finds it', async t => {
  const cluster = await TestCluster.start(t, 2)
  await cluster.createChunk()
  const client = cluster.client(1)
  const mutation = client.write(0, 3)
  await cluster.until(client.push(mutation.id, Buffer.from('abc')))
  const secondary = cluster.addressOf(1)
  cluster.control.silence(secondary)
  const commit = client.commit([mutation])
  await cluster.clock.advance(commitAnswerMs + 1)
  t.equal(codeOf(await cluster.until(commit)), 'REPLICA_FAILED')
  cluster.master.onFailed = async (server, { number, handle }) => {
    const raise = { handle, fromVersion: 1, toVersion: 2 }
    await cluster.master.command(server, { $case: 'raise', value: raise })
    cluster.master.send(server, {
      $case: 'failedAck',
      value: { number, version: 2, secondaries: [], failure: undefined },
    })
  }
  const retried = await cluster.until(client.commit([mutation], { version: 1 }))
  t.ok(['OK', 'STALE_VERSION'].includes(codeOf(retried)))
  t.equal(codeOf(await cluster.until(client.commit([mutation], { version: 2 }))), 'OK')
  t.equal(cluster.traced('apply.done', 's0').length, 1)
})

t.test('bytes become zeros and holes are filled, everywhere in order, and the answer says what is stored', async t => {
  const cluster = await TestCluster.start(t, 2)
  await cluster.createChunk()
  const client = cluster.client(1)
  const first = await cluster.until(client.writeBytes(0, 'x'.repeat(10)))
  t.match(first.usage, { index: 0, handle, leaseId: 1, serial: 1, allocatedBytes: 4096 })
  const allocate = { id: client.newId(), kind: { $case: 'allocate' as const, value: { offset: 12, length: 4 } } }
  const zero = { id: client.newId(), kind: { $case: 'zero' as const, value: { offset: 2, length: 5 } } }
  const second = await cluster.until(client.commit([allocate, zero]))
  t.match(second, { failure: undefined, firstSerial: 2, usage: { serial: 3, allocatedBytes: 4096 } })
  const expected = `xx${'\0'.repeat(5)}xxx${'\0'.repeat(6)}`
  t.same(await cluster.contents(), [expected, expected])
  const all = { id: client.newId(), kind: { $case: 'zero' as const, value: { offset: 0, length: 100 } } }
  const third = await cluster.until(client.commit([all]))
  t.match(third.usage, { serial: 4, allocatedBytes: 0 })
  t.same(await cluster.contents(), ['\0'.repeat(16), '\0'.repeat(16)], 'it gets no shorter')
  t.match((await cluster.until(client.commit([all]))).usage, { serial: 4, allocatedBytes: 0 }, 'so does a retried one')
})

t.test('bad commits are INVALID_ARGUMENT', async t => {
  const cluster = await TestCluster.start(t, 1)
  await cluster.createChunk()
  const client = cluster.client(1)
  const id = client.newId()
  const twice = client.write(0, 1)
  const cases: [string, Parameters<typeof client.commit>[0]][] = [
    ['nothing', []],
    ['no kind', [{ id, kind: undefined }]],
    ['no id', [{ id: undefined, kind: { $case: 'sync', value: {} } }]],
    ['beyond the chunk', [client.write(64 * 2 ** 20, 1)]],
    ['across the end of the chunk', [client.write(64 * 2 ** 20 - 1, 2)]],
    ['too long', [client.write(0, 2 ** 20 + 1)]],
    ['empty', [client.write(0, 0)]],
    ['a truncation beyond the chunk', [{ id, kind: { $case: 'truncate', value: { length: 2 ** 26 + 1 } } }]],
    ['an id twice', [twice, twice]],
    ['too many', Array.from({ length: 65 }, () => client.write(0, 1))],
  ]
  for (const [name, mutations] of cases) {
    t.equal(codeOf(await cluster.until(client.commit(mutations))), 'INVALID_ARGUMENT', name)
  }
  t.equal(codeOf(await cluster.until(client.commit([client.write(0, 1)], { chunk: 0 }))), 'INVALID_ARGUMENT')
})

t.test('a primary whose disk is full leaves the chunk to others, if there are enough and there is room', async t => {
  const cluster = await TestCluster.start(t, 0)
  const full = (store: ChunkStore): ChunkStore => {
    store.space = async () => ({ totalBytes: 100, freeBytes: 0 })
    return store
  }
  await cluster.addServer('s0', { wrap: full })
  for (const id of ['s1', 's2']) await cluster.addServer(id)
  await cluster.createChunk()
  const client = cluster.client(1)
  t.equal(codeOf(await cluster.until(client.writeBytes(0, 'more'))), 'NO_SPACE', 'no server can take it')
  cluster.master.roomElsewhere = true
  await cluster.clock.advance(1_000)
  t.equal(codeOf(await cluster.until(client.writeBytes(0, 'more'))), 'NOT_PRIMARY')
  const gone = cluster.master.said('s0', 'report').flatMap(({ replicas }) => replicas)
  t.notOk(
    gone.some(({ version }) => version > 0),
    'its replica does not count any more',
  )

  // With fewer others nothing is given up.
  const pair = await TestCluster.start(t, 0)
  await pair.addServer('s0', { wrap: full })
  await pair.addServer('s1')
  pair.master.roomElsewhere = true
  await pair.createChunk()
  await pair.clock.advance(1_000)
  t.equal(codeOf(await pair.until(pair.client(1).writeBytes(0, 'more'))), 'NO_SPACE')
})
