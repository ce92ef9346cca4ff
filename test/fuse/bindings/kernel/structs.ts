import t from 'tap'
import { forgetOne, inHeader, lkIn, lseekIn, Struct } from '../../../../src/fuse/bindings/kernel/structs.js'
import { KernelError } from '../../../../src/fuse/errno.js'

const every = new Struct({ a: 'u16', b: 'u16', c: 'u32', d: 's32', e: 'u64', f: 's64', g: 'u64big' })

t.test('what is written is read', async t => {
  const values = {
    a: 0xffff,
    b: 1,
    c: 0xffff_ffff,
    d: -38,
    e: Number.MAX_SAFE_INTEGER,
    f: Number.MIN_SAFE_INTEGER,
    g: 2n ** 64n - 1n,
  }
  t.equal(every.size, 36)
  t.same(every.read(every.encode(values)), values)
  const bytes = Buffer.alloc(100, 0xee)
  every.write(values, bytes, 20)
  t.same(every.read(bytes, 20), values)
  t.ok(bytes.subarray(0, 20).equals(Buffer.alloc(20, 0xee)), 'nothing before it')
  t.ok(bytes.subarray(56).equals(Buffer.alloc(44, 0xee)), 'nothing behind it')
})

t.test('what is absent is 0, whatever was in the buffer', async t => {
  const bytes = Buffer.alloc(every.size, 0xee)
  every.write({}, bytes)
  t.ok(bytes.equals(Buffer.alloc(every.size)))
})

t.test('64 bits as the machine has them', async t => {
  const one = new Struct({ u: 'u64', s: 's64' })
  for (const number of [0, 1, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 52 + 12345, 2 ** 53 - 1]) {
    const bytes = one.encode({ u: number, s: -number })
    t.equal(bytes.readBigUInt64LE(0), BigInt(number))
    t.equal(bytes.readBigInt64LE(8), -BigInt(number))
    t.equal(one.read(bytes).s + number, 0, `-${number}`)
  }
})

t.test('numbers above 2^53 lose their low bits, and nothing else', async t => {
  const one = new Struct({ u: 'u64', s: 's64' })
  const bytes = Buffer.alloc(16)
  bytes.writeBigUInt64LE(2n ** 64n - 1n, 0)
  bytes.writeBigInt64LE(-(2n ** 63n), 8)
  t.same(one.read(bytes), { u: 2 ** 64, s: -(2 ** 63) })
  t.same(one.read(one.encode({ u: 2 ** 63, s: 2 ** 62 })), { u: 2 ** 63, s: 2 ** 62 })
})

t.test('of the sizes that the kernel has', async t => {
  t.equal(inHeader.size, 40)
  t.equal(forgetOne.size, 16)
  t.equal(lkIn.size, 48)
  t.equal(lseekIn.size, 24)
})

t.test('fewer bytes than are needed', async t => {
  for (let length = 0; length < every.size; length++) {
    t.throws(() => every.read(Buffer.alloc(length)), KernelError, `${length}`)
  }
  t.throws(() => every.read(Buffer.alloc(every.size), 1), KernelError)
})

t.test('the name of a request that was sent before is negative here, and as it was for the kernel', async t => {
  const one = new Struct({ unique: 'unique' })
  for (const number of [0, 2, 2 ** 31, 2 ** 32 - 2, 2 ** 32, 2 ** 52 + 12344]) {
    for (const resent of [0n, 2n ** 63n]) {
      const bytes = Buffer.alloc(8)
      bytes.writeBigUInt64LE(BigInt(number) + resent)
      const { unique } = one.read(bytes)
      if (number > 0) t.equal(unique, resent ? -number : number)
      if (number > 0) t.ok(one.encode({ unique }).equals(bytes))
    }
  }
})
