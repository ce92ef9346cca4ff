import t from 'tap'
import { KiB, MiB } from '../../src/base/units.js'
import { readAheadBytesMax, readBlockSize } from '../../src/client/limits.js'
import { newReader, planRead } from '../../src/client/read-ahead.js'

const size = 100 * MiB
const step = 128 * KiB

/** Reads one after another, and how far ahead was wanted after each. */
function ahead(offsets: readonly number[], fileSize = size, length = step): (number | undefined)[] {
  let reader = newReader
  return offsets.map(offset => {
    const plan = planRead(reader, offset, length, fileSize)
    reader = plan.reader
    return plan.blocks && plan.blocks.end * readBlockSize - (offset + length)
  })
}

t.test('a sequential reader gets a window that doubles up to its limit', async t => {
  const offsets = Array.from({ length: 400 }, (_, index) => index * step)
  const windows = ahead(offsets).map(bytes => bytes ?? 0)
  t.ok((windows[0] ?? 0) <= 2 * readBlockSize, 'careful at first')
  t.ok(
    windows.slice(16).every(bytes => bytes >= readAheadBytesMax / 2),
    'then far',
  )
  t.ok(
    windows.every(bytes => bytes <= readAheadBytesMax + readBlockSize),
    'but not further than allowed',
  )
})

t.test('who jumps gets what it asks for and nothing more', async t => {
  const offsets = [50, 10, 90, 30, 70, 20].map(mib => mib * MiB)
  t.same(
    ahead(offsets),
    offsets.map(() => undefined),
  )
})

t.test('who jumps and then goes on is sequential again', async t => {
  const [jump, ...onward] = ahead([50 * MiB, 50 * MiB + step, 50 * MiB + 2 * step, 50 * MiB + 3 * step])
  t.equal(jump, undefined)
  t.ok(onward.every(bytes => bytes !== undefined))
})

t.test('requests that arrive in another order still count as sequential', async t => {
  const shuffled = [0, 2, 1, 3, 5, 4, 7, 6, 8].map(index => index * step)
  t.ok(ahead(shuffled).every(bytes => bytes !== undefined))
})

t.test('nothing beyond the end of the file is wanted', async t => {
  for (const fileSize of [1, 1000, readBlockSize, 3 * readBlockSize + 1]) {
    const { blocks } = planRead(newReader, 0, Math.min(step, fileSize), fileSize)
    t.ok((blocks?.end ?? 0) <= Math.ceil(fileSize / readBlockSize), `${fileSize}`)
    t.ok((blocks?.end ?? 0) >= 1)
  }
})
