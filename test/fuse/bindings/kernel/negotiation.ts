import t from 'tap'
import { requestBytesMax } from '../../../../src/fuse/bindings/kernel/limits.js'
import { negotiate } from '../../../../src/fuse/bindings/kernel/negotiation.js'
import { initFlags } from '../../../../src/fuse/bindings/kernel/protocol.js'
import { initIn, initInMore, initOut } from '../../../../src/fuse/bindings/kernel/structs.js'

const everything = 0xffff_ffff
const shared = { exclusive: false }

function init(minor: number, flags: number, flags2?: number, major = 7): Buffer {
  const head = initIn.encode({ major, minor, maxReadahead: 131072, flags })
  if (flags2 === undefined) return head
  return Buffer.concat([head, initInMore.encode({ flags2 }), Buffer.alloc(44)])
}

t.test('7.31 (Linux 5.4), which knows of no second flags', async t => {
  const { answer, minor, features } = negotiate(init(31, 0x3fff_ffff & ~initFlags.HANDLE_KILLPRIV_V2), shared)
  const { flags, flags2, maxWrite, maxPages, timeGran, maxReadahead, ...rest } = initOut.read(answer)
  t.equal(minor, 31)
  t.equal(answer.length, 64)
  t.match(rest, { major: 7, minor: 40 })
  t.same({ maxWrite, maxPages, timeGran }, { maxWrite: requestBytesMax, maxPages: 256, timeGran: 1 })
  t.equal(maxReadahead, 131072)
  t.equal(flags2, 0)
  t.notOk(features.has('HANDLE_KILLPRIV_V2'))
  t.notOk(features.has('INIT_EXT'))
  t.ok(features.has('POSIX_LOCKS'))
  t.ok(flags & initFlags.MAX_PAGES)
})

t.test('7.38 (Linux 6.2)', async t => {
  const { answer, minor, features } = negotiate(init(38, everything, 0b111), shared)
  const { flags, flags2 } = initOut.read(answer)
  t.equal(minor, 38)
  t.ok(flags & initFlags.INIT_EXT)
  t.ok(features.has('HANDLE_KILLPRIV_V2'))
  t.equal(flags2, 0, 'what it does not offer is not taken')
})

t.test('7.45, newer than what is spoken here', async t => {
  const { answer, minor, features } = negotiate(init(45, everything, everything), shared)
  const { flags, flags2 } = initOut.read(answer)
  t.equal(minor, 40)
  t.ok(features.has('DIRECT_IO_ALLOW_MMAP'))
  t.equal(flags2, (1 << 4) | (1 << 7), 'and of what is new nothing else')
  const taken = [...features].reduce((sum, feature) => sum + initFlags[feature], 0)
  t.equal(flags + flags2 * 2 ** 32, taken)
})

t.test('second flags count only where the kernel says that it sends them', async t => {
  t.notOk(negotiate(init(45, everything - initFlags.INIT_EXT, everything), shared).features.has('DIRECT_IO_ALLOW_MMAP'))
  t.notOk(negotiate(init(45, everything), shared).features.has('DIRECT_IO_ALLOW_MMAP'), 'a flag without them')
})

t.test('writes are held back only by a mount that is alone', async t => {
  t.notOk(negotiate(init(45, everything, everything), shared).features.has('WRITEBACK_CACHE'))
  t.ok(negotiate(init(45, everything, everything), { exclusive: true }).features.has('WRITEBACK_CACHE'))
  t.notOk(negotiate(init(45, 0, 0), { exclusive: true }).features.has('WRITEBACK_CACHE'))
})

t.test('a kernel that is too old, or speaks another protocol', async t => {
  t.throws(() => negotiate(init(30, everything), shared), { code: 'NOT_SUPPORTED', message: /fuse-native/ })
  t.throws(() => negotiate(init(0, 0, 0, 8), shared), { code: 'NOT_SUPPORTED' })
  t.throws(() => negotiate(Buffer.alloc(15), shared), { name: 'KernelError' })
})
