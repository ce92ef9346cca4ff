// Replicas compared while clients write: chunkservers that say what a test wants.

import t from 'tap'
import { SimulatedClock } from '../../../src/base/simulated-clock.js'
import { compareReplicas } from '../../../src/master/fsck/compare.js'
import { Findings } from '../../../src/master/fsck/findings.js'
import { Slices } from '../../../src/master/fsck/slices.js'
import { unary } from '../../../src/rpc/control-network.js'
import { MemoryControlNetwork } from '../../../src/rpc/memory-network.js'
import { addressText } from '../../../src/wire/address.js'
import type { VerifiedReplica } from '../../../src/wire/gen/mutation.js'
import { ChunkserverService } from '../../../src/wire/gen/services.js'

const record = {
  ...{ handle: 0xa1, ino: 7, index: 0, version: 3, settledVersion: 3, replicaCount: 3, goal: 3 },
  ...{ allocatedBytes: 0, usageLeaseId: 0, usageSerial: 0 },
}

/** What server `index` says when it is asked for the `look`th time, from 0. */
type Script = (index: number, look: number) => Partial<VerifiedReplica> & { readonly holds?: string }

async function compare(script: Script) {
  const clock = new SimulatedClock()
  const network = new MemoryControlNetwork(clock)
  const addresses = new Map<string, string>()
  for (const index of [0, 1, 2]) {
    let looks = 0
    const verify = unary(ChunkserverService.verifyReplicas, async ({ replicas }) => {
      const { holds = 'same', ...said } = script(index, looks++)
      const answer = {
        failure: undefined,
        length: 10,
        underWay: false,
        badBlocks: [],
        digest: Buffer.from(holds),
        ...said,
      }
      return { failure: undefined, replicas: replicas.map(() => answer) }
    })
    const blocks = unary(ChunkserverService.blockChecksums, async () => {
      const last = Buffer.from([script(index, looks - 1).holds === 'other' ? 9 : 1, 0, 0, 0])
      const checksums = Buffer.concat([Buffer.alloc(4), last])
      return { failure: undefined, blocks: Buffer.from([3]), length: 20_000, checksums, applied: [] }
    })
    const { address } = await network.serve({ host: `s${index}`, port: 0 }, [verify, blocks])
    addresses.set(`s${index}`, addressText(address))
  }
  const room = {
    ...{ clusterId: 'c', clock, doubts: { has: () => false }, table: { chunk: () => record } },
    replicas: { of: () => [...addresses.keys()].map(server => ({ server, version: 3 })) },
    servers: { standing: () => 'serving', get: (id: string) => ({ address: { controlAddress: addresses.get(id) } }) },
  }
  const { signal } = new AbortController()
  const findings = new Findings()
  const slices = new Slices(clock, signal, () => {})
  const options = { room, network, signal, findings, slices, read: true, lengthOf: () => 10 }
  let done = false
  const compared = compareReplicas(options as never, [record] as never, 1).finally(() => {
    done = true
  })
  while (!done) await clock.advance(10)
  return { ...(await compared), found: findings.messages(new Map()), findings }
}

t.test('replicas that hold the same are equal, and what was read is counted', async t => {
  t.match(await compare(() => ({})), { bytes: 30, incomplete: [], found: [] })
})

t.test('replicas that differ since a mutation is under way are no finding', async t => {
  const { found, incomplete } = await compare((index, look) => {
    if (look < 4) return { underWay: index === 0, holds: `${index} ${look}` }
    return { holds: 'in the end' }
  })
  t.same([found, incomplete], [[], []])
})

t.test('those that differ when nothing goes on do, and the minority is known', async t => {
  const { found, findings, incomplete } = await compare(index => ({ holds: index === 1 ? 'other' : 'same' }))
  t.match(found, [{ kind: 'different-replicas', text: /block 1 not the same on s0, s2 as on s1$/, repair: /most/ }])
  t.same(findings.open('different-replicas')[0]?.minority, ['s1'])
  t.same(incomplete, [])
})

t.test('without a majority nobody says which is right', async t => {
  const { found, findings } = await compare(index => ({ holds: `${index}` }))
  t.match(found, [{ kind: 'different-replicas', repair: '' }])
  t.equal(findings.open('different-replicas')[0]?.minority, undefined)
})

t.test('a chunk that never stands still, or cannot be asked for, is said not to be compared', async t => {
  const busy = await compare((index, look) => ({ holds: `${index} ${look}` }))
  t.match(busy, { found: [], incomplete: [/was not compared: it was being written to/] })
  const failure = { code: 'UNAVAILABLE', message: 'not now' }
  const refused = await compare(index => (index === 2 ? { failure } : {}))
  t.match(refused, { found: [], incomplete: [/was not compared: server s2: not now/] })
})

t.test('damaged blocks are named, whether the replicas are equal or not', async t => {
  const { found } = await compare((index, look) => ({ badBlocks: index === 2 && look === 0 ? [4, 5] : [] }))
  t.match(found, [{ kind: 'corrupt-replica', text: /on server s2: blocks 4, 5 / }])
})
