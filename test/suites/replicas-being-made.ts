// What every ChunkStore must do with replicas of version 0: those that are
// being made from another server's.

import type { Test } from 'tap'
import { checksumBlockSize } from '../../src/constants.js'
import type { ChunkHandle } from '../../src/wire/ids.js'
import type { StoreHarness } from './chunk-store.js'

const a = 0xa1 as ChunkHandle
const b = 0x1_0000_00b2 as ChunkHandle
const bytes = Buffer.alloc(3 * checksumBlockSize, 'x')

export function replicasBeingMadeSuite(t: Test, harness: (t: Test) => StoreHarness): void {
  t.test('a replica that is still being made is gone when the store is opened again', async t => {
    const { open, restart } = harness(t)
    const store = await open()
    await store.create(a, 0)
    await store.write(a, 0, [bytes])
    await store.create(b, 1)
    await store.setVersion(b, 0)
    t.equal(store.stat(a)?.version, 0)
    const next = await restart(store)
    t.teardown(() => next.close())
    t.same([...next.list()], [])
    await next.create(a, 1)
    t.match(next.stat(a), { version: 1, length: 0 })
  })

  t.test('one that was made is there from its first version on', async t => {
    const { open, restart } = harness(t)
    const store = await open()
    await store.create(a, 0)
    await store.write(a, 0, [bytes])
    await store.setVersion(a, 4)
    const next = await restart(store)
    t.teardown(() => next.close())
    t.match(next.stat(a), { version: 4, length: bytes.length })
  })
}
