import t from 'tap'
import { HeadReader, HeadWriter } from '../../src/wire/frame-head.js'

t.test('numbers and texts come back, however many', async t => {
  const writer = new HeadWriter(3)
  for (let n = 0; n < 100; n++) {
    writer.u8(n)
    writer.u32(2 ** 32 - 1 - n)
    writer.u64(2 ** 53 - 1 - n)
    writer.text8(`text ${n} – ${'x'.repeat(n)}`)
    writer.text16('y'.repeat(1000 + n), 2000)
  }
  const reader = new HeadReader(writer.finish().subarray(3))
  for (let n = 0; n < 100; n++) {
    t.same(
      [reader.u8(), reader.u32(), reader.u64(), reader.text8(), reader.text16(2000).length],
      [n, 2 ** 32 - 1 - n, 2 ** 53 - 1 - n, `text ${n} – ${'x'.repeat(n)}`, 1000 + n],
    )
  }
  t.ok(reader.ended)
})

t.test('a head that is too short is CORRUPT, wherever it ends', async t => {
  const reads: ((reader: HeadReader) => unknown)[] = [
    r => r.u8(),
    r => r.u32(),
    r => r.u64(),
    r => r.text8(),
    r => r.text16(9),
  ]
  for (const read of reads) t.throws(() => read(new HeadReader(Buffer.alloc(0))), { code: 'CORRUPT' })
  t.throws(() => new HeadReader(Buffer.from([1, 2, 3])).u32(), { code: 'CORRUPT' })
  t.throws(() => new HeadReader(Buffer.from([2, 65])).text8(), { code: 'CORRUPT' })
  t.throws(() => new HeadReader(Buffer.from([255, 255, 65])).text16(9), { code: 'CORRUPT' })
  t.throws(() => new HeadReader(Buffer.alloc(8, 0xff)).u64(), { code: 'CORRUPT' }, 'beyond 2^53')
})

t.test('what cannot be written is a bug', async t => {
  t.throws(() => new HeadWriter(0).text8('x'.repeat(256)), { code: 'ERR_ASSERTION' })
  t.throws(() => new HeadWriter(0).u64(2 ** 53), { code: 'ERR_ASSERTION' })
  t.throws(() => new HeadWriter(0).u64(-1), { code: 'ERR_ASSERTION' })
})
