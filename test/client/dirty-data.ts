import t from 'tap'
import { SeededRandom } from '../../src/base/random.js'
import { KiB, MiB } from '../../src/base/units.js'
import { BufferPool } from '../../src/client/buffer-pool.js'
import { DirtyData, type Extent, endOf } from '../../src/client/dirty-data.js'

const dirtyData = () => new DirtyData(new BufferPool())
const filled = (length: number, value: number) => Buffer.alloc(length, value)
const shape = (extents: readonly Extent[]) => extents.map(({ start, length }) => [start, length])

t.test('bytes that follow one another become one extent', async t => {
  const dirty = dirtyData()
  for (let at = 0; at < 5; at++) dirty.write(100 + at * 10, filled(10, at))
  t.same(shape(dirty.sealAll()), [[100, 50]])
})

t.test('bytes apart stay apart, and what lies over them joins them', async t => {
  const dirty = dirtyData()
  dirty.write(0, filled(10, 1))
  dirty.write(50, filled(10, 2))
  dirty.write(5, filled(50, 3))
  const [extent, ...others] = dirty.sealAll()
  t.same(shape([extent as Extent]), [[0, 60]])
  t.same(others, [])
  const bytes = extent?.buffer.subarray(0, 60)
  t.same(bytes, Buffer.concat([filled(5, 1), filled(50, 3), filled(5, 2)]))
})

t.test('an extent never crosses a megabyte', async t => {
  const dirty = dirtyData()
  dirty.write(MiB - 10, filled(20, 1))
  t.same(shape(dirty.sealAll()), [
    [MiB - 10, 10],
    [MiB, 10],
  ])
})

t.test('a whole megabyte is ready by itself, and only that', async t => {
  const dirty = dirtyData()
  dirty.write(0, filled(128 * KiB, 1))
  t.same(dirty.sealFull(), [])
  for (let at = 1; at <= 8; at++) dirty.write(at * 128 * KiB, filled(128 * KiB, 1))
  t.same(shape(dirty.sealFull()), [[0, MiB]])
  t.same(shape(dirty.sealAll()), [[MiB, 128 * KiB]])
})

t.test('a sealed extent does not change; a newer write lies on top', async t => {
  const dirty = dirtyData()
  dirty.write(0, filled(10, 1))
  const [sealed] = dirty.sealAll()
  dirty.write(5, filled(10, 2))
  t.same(sealed?.buffer.subarray(0, 10), filled(10, 1))
  const seen = Buffer.alloc(15)
  dirty.copyTo(seen, 0)
  t.same(seen, Buffer.concat([filled(5, 1), filled(10, 2)]))
  dirty.settle(sealed as Extent)
  t.same(dirty.missing({ start: 0, end: 15 }), [{ start: 0, end: 5 }])
})

t.test('what is cut off is gone, the rest stays', async t => {
  const dirty = dirtyData()
  dirty.write(0, filled(100, 1))
  dirty.write(2 * MiB, filled(100, 2))
  dirty.cut(60)
  t.same(shape(dirty.sealAll()), [[0, 60]])
  t.notOk(dirty.touches({ start: 60, end: 3 * MiB }))
})

t.test('memory is counted, and given back in the end', async t => {
  const dirty = dirtyData()
  t.equal(dirty.bytes, 0)
  dirty.write(0, filled(10, 1))
  t.ok(dirty.bytes >= 10)
  dirty.write(MiB, filled(MiB, 1))
  t.ok(dirty.bytes >= MiB + 10)
  for (const extent of dirty.sealAll()) dirty.settle(extent)
  t.equal(dirty.bytes, 0)
  t.ok(dirty.isEmpty)
  dirty.write(0, filled(10, 1))
  dirty.cut(0)
  t.equal(dirty.bytes, 0)
  t.ok(dirty.isEmpty)
})

t.test('random writes, seals, settles and cuts agree with a plain array of bytes', async t => {
  for (let seed = 1; seed <= 30; seed++) {
    const random = new SeededRandom(seed)
    const below = (max: number) => Math.floor(random.next() * max)
    const dirty = dirtyData()
    const applied = Buffer.alloc(3 * MiB) // What the replicas have.
    const expected = Buffer.alloc(3 * MiB)
    let underWay: Extent[] = []

    for (let step = 0; step < 120; step++) {
      const kind = below(10)
      if (kind < 6) {
        const offset = below(3 * MiB - 1)
        const length = 1 + below(Math.min(3 * MiB - offset, [16, 5000, 200_000, 2 * MiB][below(4)] ?? 16))
        const data = filled(length, 1 + below(255))
        dirty.write(offset, data)
        data.copy(expected, offset)
        if (below(3) === 0) underWay.push(...dirty.sealFull())
      } else if (kind < 8) underWay.push(...dirty.sealAll())
      else if (kind < 9) {
        // In order, as the blocks demand.
        for (const extent of underWay.splice(0, 1 + below(underWay.length))) {
          extent.buffer.copy(applied, extent.start, 0, extent.length)
          dirty.settle(extent)
        }
      } else if (underWay.length === 0) {
        const size = below(3 * MiB)
        dirty.cut(size)
        applied.fill(0, size)
        expected.fill(0, size)
      }

      const offset = below(2 * MiB)
      const range = { start: offset, end: offset + 1 + below(MiB) }
      const seen = Buffer.from(applied.subarray(range.start, range.end))
      dirty.copyTo(seen, range.start)
      if (!seen.equals(expected.subarray(range.start, range.end))) t.fail(`seed ${seed}, step ${step}: wrong bytes`)
      const gaps = dirty.missing(range)
      const covered = gaps.reduce((sum, { start, end }) => sum + end - start, 0)
      if (dirty.touches(range) !== covered < range.end - range.start) t.fail(`seed ${seed}, step ${step}: gaps`)
    }
    underWay = [...underWay, ...dirty.sealAll()]
    for (const extent of underWay) {
      if (Math.floor(extent.start / MiB) !== Math.floor((endOf(extent) - 1) / MiB)) t.fail(`seed ${seed}: crosses`)
      extent.buffer.copy(applied, extent.start, 0, extent.length)
      dirty.settle(extent)
    }
    t.ok(applied.equals(expected), `seed ${seed}`)
    t.equal(dirty.bytes, 0)
  }
})

t.test('the first dirty byte from an offset on is found', async t => {
  const dirty = dirtyData()
  t.equal(dirty.firstFrom(0), undefined)
  dirty.write(100, filled(10, 1))
  dirty.write(5 * MiB, filled(10, 1))
  t.equal(dirty.firstFrom(0), 100)
  t.equal(dirty.firstFrom(105), 105)
  t.equal(dirty.firstFrom(110), 5 * MiB)
})
