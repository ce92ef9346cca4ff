import t from 'tap'
import type { PrimaryOrder } from '../../src/chunkserver/mutations/primary-order.js'
import { reportMessages } from '../../src/chunkserver/replica-report.js'
import type { Replicas } from '../../src/chunkserver/replicas.js'
import { MemoryStore } from '../../src/chunkserver/store/memory-store.js'
import type { ChunkHandle } from '../../src/wire/ids.js'

/** Of what a report asks of them: chunk 1 is a primary until 500, chunk 2 until 90, chunk 3 has failed, chunk 4 follows lease 14. */
const replicas = {
  isFailed: (handle: number) => handle === 3,
  known: (handle: number) => {
    const expiresAt = { 1: 500.7, 2: 90 }[handle]
    const order = { leaseId: 10 + handle, expiresAt, secondaryIds: ['x'] } as unknown as PrimaryOrder
    if (expiresAt) return { isDoubtful: false, role: { kind: 'primary', order } }
    return handle === 4 ? { isDoubtful: true, role: { kind: 'secondary', leaseId: 14, nextSerial: 9 } } : undefined
  },
} as unknown as Replicas

t.test(
  'a report has leases in force and followed, what is in doubt and what is damaged, and leaves out replicas that failed',
  async t => {
    const store = new MemoryStore()
    for (const handle of [1, 2, 3, 4]) await store.create(handle as ChunkHandle, 7)
    const none = {
      version: 7,
      length: 0,
      leaseId: 0,
      leaseRemainingMs: 0,
      secondaries: [],
      doubtful: false,
      followedLeaseId: 0,
      damagedBlocks: 0,
    }
    t.same(
      [...reportMessages(store, replicas, { count: handle => (handle === 2 ? 5 : 0) }, 100)],
      [
        {
          replicas: [
            { ...none, handle: 1, leaseId: 11, leaseRemainingMs: 400, secondaries: ['x'] },
            { ...none, handle: 2, damagedBlocks: 5 },
            { ...none, handle: 4, doubtful: true, followedLeaseId: 14 },
          ],
          last: true,
        },
      ],
    )
  },
)
