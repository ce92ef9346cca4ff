import t from 'tap'
import { chunkIndexMax } from '../../../src/constants.js'
import { noUsage } from '../../../src/master/chunk-table.js'
import { checkAllocate, checkRaise, checkSettle } from '../../../src/master/ops/chunks.js'
import type { ChunkHandle, Ino, ServerId } from '../../../src/wire/ids.js'
import { type Namespace, onEachStore, root } from '../harness/namespace.js'

const first = 1 as ChunkHandle
const placed = ['a', 'b'] as ServerId[]

async function fileWithChunk(fs: Namespace): Promise<Ino> {
  const { ino } = await fs.make(root, 'a')
  await fs.submit(state => checkAllocate(state, ino as Ino, [{ index: 7, replicaCount: 2, placed }]))
  return ino as Ino
}

onEachStore(t, 'a new chunk is at version 1, with the goal of its file', async (t, fs) => {
  const ino = await fileWithChunk(fs)
  const expected = {
    handle: first,
    ino,
    index: 7,
    version: 1,
    settledVersion: 1,
    replicaCount: 2,
    goal: 3,
    ...noUsage,
    placed,
  }
  t.same(fs.state.chunks.find(first), expected)
  t.same(fs.state.chunks.at(ino, 7), expected)
  t.equal(fs.state.meta.current.chunkCount, 1)
})

onEachStore(t, 'chunks that exist are not made again, and handles do not come again', async (t, fs) => {
  const ino = await fileWithChunk(fs)
  const allocate = (...indexes: number[]) =>
    fs.submit(state =>
      checkAllocate(
        state,
        ino,
        indexes.map(index => ({ index, replicaCount: 3 })),
      ),
    )
  t.equal((await allocate(7)).kind, 'unchanged')
  await allocate(6, 7, 8)
  t.same(
    fs.state.chunks.ofFile(ino, 0, 100).map(({ index, handle }) => [index, handle]),
    [
      [6, 2],
      [7, 1],
      [8, 3],
    ],
  )
  await fs.unlink(root, 'a')
  const other = (await fs.make(root, 'b')).ino as Ino
  await fs.submit(state => checkAllocate(state, other, [{ index: 0, replicaCount: 3 }]))
  t.equal(fs.state.chunks.at(other, 0)?.handle, 4)
})

onEachStore(t, 'a chunk cannot be where no file or no room is', async (t, fs) => {
  const ino = await fileWithChunk(fs)
  const at = (target: number, index: number) =>
    fs.submit(state => checkAllocate(state, target as Ino, [{ index, replicaCount: 1 }]))
  await t.rejects(at(999, 0), { code: 'NOT_FOUND' })
  await t.rejects(at(root, 0), { code: 'IS_A_DIRECTORY' })
  await t.rejects(at(ino, chunkIndexMax + 1), { code: 'FILE_TOO_LARGE' })
  await t.resolves(at(ino, chunkIndexMax))
})

onEachStore(t, 'a version is raised from the one it has, and settled when it has that one', async (t, fs) => {
  await fileWithChunk(fs)
  const raise = (from: number) => fs.submit(state => checkRaise(state, first, from, 1))
  const settle = (version: number) => fs.submit(state => checkSettle(state, first, version))
  await t.rejects(raise(2), { code: 'STALE_VERSION' })
  await raise(1)
  t.match(fs.state.chunks.find(first), { version: 2, settledVersion: 1, replicaCount: 1, placed: [] })
  await t.rejects(raise(1), { code: 'STALE_VERSION' })
  await t.rejects(settle(1), { code: 'STALE_VERSION' })
  await settle(2)
  t.match(fs.state.chunks.find(first), { version: 2, settledVersion: 2 })
  t.equal((await settle(2)).kind, 'unchanged')
  await fs.unlink(root, 'a')
  await t.rejects(raise(2), { code: 'NOT_FOUND' })
  await t.rejects(settle(2), { code: 'NOT_FOUND' })
})
