import t from 'tap'
import { LeasefsError } from '../../../src/base/errors.js'
import { SimulatedClock } from '../../../src/base/simulated-clock.js'
import { answerBlockChecksums, askBlockChecksums } from '../../../src/chunkserver/levelling/block-checksums.js'
import { appliedIdsMax } from '../../../src/chunkserver/limits.js'
import type { AppliedMutation } from '../../../src/chunkserver/mutations/applied-mutations.js'
import { checksumBlockSize, chunkSize } from '../../../src/constants.js'
import { unary } from '../../../src/rpc/control-network.js'
import { MemoryControlNetwork } from '../../../src/rpc/memory-network.js'
import type { BlockChecksumsReply } from '../../../src/wire/gen/mutation.js'
import { ChunkserverService } from '../../../src/wire/gen/services.js'
import type { ChunkHandle, SessionId } from '../../../src/wire/ids.js'

const handle = 0xa1 as ChunkHandle
const held = {
  blocks: Buffer.from([5]),
  length: 2 * checksumBlockSize + 1,
  checksums: Uint32Array.of(1, 0, 0xfffffffe),
}

const applied: AppliedMutation[] = [{ id: { client: 7 as SessionId, counter: 2 ** 40 }, serial: 9 }]

async function ask(answer: (cluster: string) => Promise<BlockChecksumsReply>) {
  const clock = new SimulatedClock()
  const network = new MemoryControlNetwork(clock)
  const handler = unary(ChunkserverService.blockChecksums, ({ clusterId }) => answer(clusterId))
  const { address } = await network.serve({ host: '127.0.0.1', port: 0 }, [handler])
  const asked = askBlockChecksums(network, 'ours', { control: address, data: address, version: 3 }, handle)
  asked.catch(() => {})
  for (let round = 0; round < 5; round++) await clock.advance(10)
  return await asked
}

t.test('what a server says of a replica arrives as it was', async t => {
  const request = { handle, version: 3 }
  const reply = await ask(clusterId => {
    const checksumsOf = async (replica: object) => {
      t.same(replica, request)
      return held
    }
    const appliedOf = (asked: number) => {
      t.equal(asked, handle)
      return applied
    }
    return answerBlockChecksums(checksumsOf, appliedOf, { clusterId, ...request }, asked => t.equal(asked, 'ours'))
  })
  t.same(reply.checksums, held.checksums)
  t.same([...reply.blocks], [...held.blocks])
  t.equal(reply.length, held.length)
  t.same(reply.applied, applied)
})

t.test('a refusal arrives as one', async t => {
  const refuse = async () => {
    throw new LeasefsError('STALE_VERSION', 'another one')
  }
  const answer = (clusterId: string) =>
    answerBlockChecksums(
      refuse,
      () => [],
      { clusterId, handle, version: 3 },
      () => {},
    )
  await t.rejects(ask(answer), { code: 'STALE_VERSION' })
})

t.test('an answer that makes no sense is refused', async t => {
  const reply = { failure: undefined, blocks: Buffer.alloc(0), length: 1, checksums: Buffer.alloc(4), applied: [] }
  const [mutation] = applied
  for (const more of [
    { checksums: Buffer.alloc(0) },
    { checksums: Buffer.alloc(8) },
    { length: chunkSize + 1 },
    { applied: [{ id: undefined, serial: 1 }] },
    { applied: Array.from({ length: appliedIdsMax + 1 }, () => mutation as AppliedMutation) },
  ]) {
    await t.rejects(
      ask(async () => ({ ...reply, ...more })),
      { code: 'INVALID_ARGUMENT' },
    )
  }
})
