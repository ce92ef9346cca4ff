import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { KiB } from '../../../src/base/units.js'
import { DirectReads, directAlignment, directReadSizeMax } from '../../../src/chunkserver/store/direct-reads.js'

t.test('what the file has is read, up to its end', async t => {
  const path = join(t.testdir(), 'file')
  const bytes = Buffer.from(Uint8Array.from({ length: 100 * KiB + 77 }, (_, index) => index * 7))
  writeFileSync(path, bytes)
  const direct = new DirectReads()
  const read = (position: number, length: number) =>
    direct.read(path, position, length, ({ bytes }) => Buffer.from(bytes))
  for (const position of [0, directAlignment, 96 * KiB, 200 * KiB]) {
    for (const length of [1, 100, 5000, 64 * KiB, directReadSizeMax]) {
      const expected = bytes.subarray(position, position + length)
      t.ok((await read(position, length)).equals(expected), `${length} from ${position}`)
    }
  }
  const together = await Promise.all([read(0, 5000), read(directAlignment, 5000)])
  t.ok(together[0]?.equals(bytes.subarray(0, 5000)), 'reads at once do not get in the way of one another')
})

t.test('a file that is gone is told from one that cannot be opened', async t => {
  const direct = new DirectReads()
  const path = join(t.testdir({ file: 'x' }), 'file')
  const size = () => direct.read(path, 0, 1, ({ stats }) => stats.size)
  t.equal(await size(), 1)
  rmSync(path)
  await t.rejects(size(), { code: 'NOT_FOUND' })
  await t.rejects(
    direct.read(`${path}\0`, 0, 1, () => {}),
    'no name at all',
  )
  mkdirSync(path)
  await t.rejects(size(), { code: /UNAVAILABLE|IO/ })
})
