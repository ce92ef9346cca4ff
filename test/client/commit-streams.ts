import t from 'tap'
import { SimulatedClock } from '../../src/base/simulated-clock.js'
import { type CommitOutcome, CommitStreams } from '../../src/client/commit-streams.js'
import { commitsInFlightMax, commitTimeoutMs } from '../../src/client/limits.js'
import type { ReplicaServer } from '../../src/client/locations.js'
import { type ControlStream, stream } from '../../src/rpc/control-network.js'
import { MemoryControlNetwork } from '../../src/rpc/memory-network.js'
import type { ClientToPrimary, Commit, CommitHello, Committed, PrimaryToClient } from '../../src/wire/gen/mutation.js'
import { ChunkserverService } from '../../src/wire/gen/services.js'
import type { ServerId, SessionId } from '../../src/wire/ids.js'

async function start() {
  const clock = new SimulatedClock()
  const network = new MemoryControlNetwork(clock)
  const hellos: CommitHello[] = []
  const commits: Commit[] = []
  let opened: ControlStream<PrimaryToClient, ClientToPrimary> | undefined
  const { address } = await network.serve({ host: '127.0.0.1', port: 0 }, [
    stream(ChunkserverService.mutate, s => {
      opened = s
      s.onMessage(({ message }) => {
        if (message?.$case === 'hello') hellos.push(message.value)
        if (message?.$case === 'commit') commits.push(message.value)
      })
    }),
  ])
  const events: string[] = []
  const streams = new CommitStreams({
    ...{ network, clock, session: { id: 7 as SessionId, clusterId: 'c' } },
    trace: (event, fields) => events.push(`${event} ${fields.handle} ${fields.to} ${fields.dataIds}`),
  })
  const primary: ReplicaServer = {
    ...{ serverId: 's1' as ServerId, control: address, data: address },
    location: { dc: 'a', rack: 'b', host: 'c' },
  }
  const commit = (handle: number): Promise<CommitOutcome> => {
    const kind = { $case: 'write' as const, value: { offset: 0, length: 1 } }
    return streams.commit(primary, { handle, version: 1, mutations: [{ id: { client: 7, counter: handle }, kind }] })
  }
  const answer = (committed: Partial<Committed>) =>
    opened?.send({
      committed: { number: 0, failure: undefined, firstSerial: 1, missing: [], usage: undefined, ...committed },
    })
  return { clock, network, address, streams, hellos, commits, commit, answer, events }
}

t.test('commits are numbered, many under way on one stream, answered in any order', async t => {
  const { clock, hellos, commits, commit, answer } = await start()
  const outcomes = [commit(1), commit(2)]
  await clock.advance(0)
  t.match(hellos, [{ clusterId: 'c', sessionId: 7 }])
  t.match(commits, [
    { number: 1, handle: 1 },
    { number: 2, handle: 2 },
  ])
  answer({ number: 2 })
  answer({ number: 1, failure: { code: 'DATA_UNKNOWN', message: '' }, missing: [{ client: 7, counter: 1 }] })
  await clock.advance(0)
  t.match(await Promise.all(outcomes), [
    { ok: false, error: { code: 'DATA_UNKNOWN' }, missing: [{ client: 7, counter: 1 }] },
    { ok: true },
  ])
})

t.test('a broken stream leaves open what was under way; the next commit opens another', async t => {
  const { clock, network, address, hellos, commit, answer } = await start()
  const lost = commit(1)
  await clock.advance(0)
  network.reset(address)
  t.match(await lost, { ok: false, error: { code: 'UNAVAILABLE' } })
  const next = commit(2)
  await clock.advance(0)
  t.equal(hellos.length, 2)
  answer({ number: 1 })
  await clock.advance(0)
  t.match(await next, { ok: true })
})

t.test('a commit without an answer is TIMEOUT in the end', async t => {
  const { clock, commit } = await start()
  const late = commit(1)
  await clock.advance(commitTimeoutMs)
  t.match(await late, { ok: false, error: { code: 'TIMEOUT' } })
})

t.test('no more than the limit are under way at one primary', async t => {
  const { clock, commits, commit, answer } = await start()
  const all = Array.from({ length: commitsInFlightMax + 2 }, (_, index) => commit(index + 1))
  await clock.advance(0)
  t.equal(commits.length, commitsInFlightMax)
  answer({ number: 1 })
  await clock.advance(0)
  t.equal(commits.length, commitsInFlightMax + 1)
  for (let number = 2; number <= all.length; number++) {
    answer({ number })
    await clock.advance(0)
  }
  await Promise.all(all)
})

t.test('each commit is traced with what it names', async t => {
  const { commit, streams, events } = await start()
  const under = commit(0xab)
  t.same(events, ['commit.sent 00000000000000ab s1 7:171'])
  streams.close()
  t.match(await under, { ok: false, error: { code: 'UNAVAILABLE' } })
})
