// What every ChunkStore must do with replicas that the disk has damaged, or that
// a crash may have.

import type { Test } from 'tap'
import { verifyBlocksMax } from '../../src/chunkserver/store/chunk-store.js'
import { checksumBlockSize } from '../../src/constants.js'
import type { ChunkHandle } from '../../src/wire/ids.js'
import type { StoreHarness } from './chunk-store.js'

const a = 0xa1 as ChunkHandle
const size = checksumBlockSize
const blocks = ['x', 'y', 'z'].map(fill => Buffer.alloc(size, fill))
const last = Buffer.from('the end')

export function damagedReplicasSuite(t: Test, harness: (t: Test) => StoreHarness): void {
  /** A replica of four blocks, the last one short, in which bytes of some have been changed. */
  const damaged = async (t: Test, offsets: readonly number[]) => {
    const { open, restart, corruptByte } = harness(t)
    const store = await open()
    await store.create(a, 1)
    await store.write(a, 0, [...blocks, last])
    await store.close()
    for (const offset of offsets) corruptByte(a, offset)
    const next = await restart(store)
    t.teardown(() => next.close())
    return next
  }

  t.test('damaged blocks are found, and no others', async t => {
    const store = await damaged(t, [size + 5, 3 * size + 1])
    t.same(await store.verify(a, 0, verifyBlocksMax), [1, 3])
    t.same(await store.verify(a, 1, 2), [1])
    t.same(await store.verify(a, 2, 3), [])
    t.same(await store.verify(a, 4, 10), [], 'beyond the end there is nothing')
    await t.rejects(store.verify(7 as ChunkHandle, 0, 1), { code: 'NOT_FOUND' })
  })

  t.test('a damaged block is mended with what was written there, and with nothing else', async t => {
    const store = await damaged(t, [size + 5, 3 * size + 1])
    t.equal(await store.mend(a, 1, Buffer.alloc(size, 'w')), false)
    t.equal(await store.mend(a, 1, Buffer.alloc(size - 1, 'y')), false)
    await t.rejects(store.read(a, size, 1), { code: 'CORRUPT' })
    t.equal(await store.mend(a, 1, Buffer.alloc(size, 'y')), true)
    t.equal(await store.mend(a, 3, last), true)
    t.equal(await store.mend(a, 4, last), false, 'beyond the end')
    t.same(await store.verify(a, 0, verifyBlocksMax), [])
    const { buffers } = await store.read(a, 0, 4 * size)
    t.ok(Buffer.concat(buffers).equals(Buffer.concat([...blocks, last])))
  })

  t.test('what was written over is not brought back', async t => {
    const store = await damaged(t, [5])
    await store.write(a, 0, [Buffer.alloc(size, 'n')])
    t.same(await store.verify(a, 0, 1), [], 'a block that is overwritten whole is whole')
    t.equal(await store.mend(a, 0, Buffer.alloc(size, 'x')), false)
    t.equal((await store.read(a, 0, 1)).buffers[0]?.toString(), 'n')
  })

  t.test('a replica in use is found whole', async t => {
    const store = await damaged(t, [])
    t.equal(await store.inspect(a), 'good')
    await store.write(a, 10, [Buffer.from('change')])
    t.equal(await store.inspect(a), 'good')
    t.same(await store.verify(a, 0, verifyBlocksMax), [])
    await store.sync(a)
    await store.setVersion(a, 2)
    t.equal(await store.inspect(a), 'good')
    t.same(await store.strangers(), [])
    await store.probe()
  })

  t.test('what a process that died was changing is in doubt until it is said to be right', async t => {
    const { open, restart } = harness(t)
    const store = await open()
    await store.create(a, 1)
    await store.write(a, 0, [last])
    t.equal(store.stat(a)?.doubtful, false)
    const second = await restart(store)
    t.equal(second.stat(a)?.doubtful, true)
    await second.setVersion(a, 2)
    await second.close()
    const third = await restart(second)
    t.equal(third.stat(a)?.doubtful, true, 'also after an orderly end')
    third.trust(a)
    t.equal(third.stat(a)?.doubtful, false)
    await third.write(a, 0, [last])
    await third.close()
    const fourth = await restart(third)
    t.teardown(() => fourth.close())
    t.equal(fourth.stat(a)?.doubtful, false)
  })
}
