import t from 'tap'
import { LibfuseMemory } from '../../../../src/fuse/bindings/fuse-native/libfuse-memory.js'
import { opcode, recordOf } from '../../harness/memory-context.js'

// What it does to libfuse is seen on a mount, in index.ts. Here: it leaves alone what is not libfuse's.

const memory = LibfuseMemory.open()
const skip = memory ? false : 'this is not Linux on x64'

t.test('pointers to nowhere give nothing', { skip }, async t => {
  const record = recordOf({ mode: 0o644 })
  t.equal(memory?.createFlags(record, opcode, 0o644), undefined)
  record.writeBigUInt64LE(8n, 48)
  t.equal(memory?.createFlags(record, opcode, 0o644), undefined)
  t.equal(memory?.createFlags(record, opcode, 0o600), undefined)
})

t.test('a struct that is not as expected is not written to', { skip }, async t => {
  const thread = Buffer.alloc(2640)
  const record = recordOf()
  t.equal(memory?.passPartialTimes(record, opcode, thread, '/m'), false, 'another mount point')
  thread.write('/m\0', 384)
  t.equal(memory?.passPartialTimes(record, opcode, thread, '/m'), false, 'no address')
  record.writeBigUInt64LE(4096n, 192)
  t.equal(memory?.passPartialTimes(record, opcode, thread, '/m'), false, 'not mapped')
  t.equal(memory?.fixThreads(thread), false)
})
