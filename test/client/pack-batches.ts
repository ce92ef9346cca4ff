import t from 'tap'
import { KiB, MiB } from '../../src/base/units.js'
import type { Extent } from '../../src/client/dirty-data.js'
import { packBatches } from '../../src/client/pack-batches.js'
import { chunkSize, commitMutationsMax } from '../../src/constants.js'

const extent = (start: number, length: number): Extent => ({ start, length, buffer: Buffer.alloc(0) })

t.test('small extents of one chunk travel together, up to the limit of a commit', async t => {
  const count = commitMutationsMax + 10
  const batches = packBatches(Array.from({ length: count }, (_, index) => extent(index * 8 * KiB, 4 * KiB)))
  t.same(
    batches.map(({ extents }) => extents.length),
    [commitMutationsMax, 10],
  )
  t.same(batches[0]?.blocks, [0], 'they lie in one block')
})

t.test('a megabyte travels alone', async t => {
  const batches = packBatches([extent(0, MiB), extent(MiB, MiB), extent(2 * MiB, 10)])
  t.same(
    batches.map(({ blocks }) => blocks),
    [[0], [1], [2]],
  )
})

t.test('a batch is of one chunk', async t => {
  const batches = packBatches([extent(chunkSize - 10, 10), extent(chunkSize, 10), extent(5 * chunkSize + 3, 1)])
  t.same(
    batches.map(({ index }) => index),
    [0, 1, 5],
  )
})

t.test('nothing makes no batch', async t => {
  t.same(packBatches([]), [])
})

t.test('an extent across two blocks is a bug', async t => {
  t.throws(() => packBatches([extent(MiB - 1, 2)]), { code: 'ERR_ASSERTION' })
})
