import t from 'tap'
import type { PrimaryOrder } from '../../src/chunkserver/mutations/primary-order.js'
import { reportMessages } from '../../src/chunkserver/replica-report.js'
import type { Replicas } from '../../src/chunkserver/replicas.js'
import { MemoryStore } from '../../src/chunkserver/store/memory-store.js'
import type { ChunkHandle } from '../../src/wire/ids.js'

/** Of what a report asks of them: chunk 1 is a primary until 500, chunk 2 until 90, chunk 3 has failed. */
const replicas = {
  isFailed: (handle: number) => handle === 3,
  *primaries() {
    for (const [handle, expiresAt] of [[1, 500.7] as const, [2, 90] as const]) {
      const order = { leaseId: 10 + handle, expiresAt, secondaryIds: ['x'] } as unknown as PrimaryOrder
      yield { handle, role: { kind: 'primary', order } }
    }
  },
} as unknown as Replicas

t.test('a report has leases in force, and leaves out replicas that failed', async t => {
  const store = new MemoryStore()
  for (const handle of [1, 2, 3, 4]) await store.create(handle as ChunkHandle, 7)
  const none = { version: 7, length: 0, leaseId: 0, leaseRemainingMs: 0, secondaries: [] }
  t.same(
    [...reportMessages(store, replicas, 100)],
    [
      {
        replicas: [
          { ...none, handle: 1, leaseId: 11, leaseRemainingMs: 400, secondaries: ['x'] },
          { ...none, handle: 2 },
          { ...none, handle: 4 },
        ],
        last: true,
      },
    ],
  )
})
