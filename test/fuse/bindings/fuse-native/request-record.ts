import t from 'tap'
import {
  fileInfoAddress,
  modificationMs,
  threadAddress,
} from '../../../../src/fuse/bindings/fuse-native/request-record.js'
import { opcode, recordOf } from '../../harness/memory-context.js'

t.test('nothing is read from a record that is not as expected', async t => {
  const record = recordOf({ atime: 5n, mtime: 6n, mode: 0o644 })
  record.writeBigUInt64LE(100n, 48)
  record.writeBigUInt64LE(200n, 192)
  t.equal(modificationMs(record, opcode, 5n), 6n)
  t.equal(modificationMs(record, opcode, 4n), undefined)
  t.equal(modificationMs(record, opcode + 1, 5n), undefined)
  t.equal(fileInfoAddress(record, opcode, 0o644), 100n)
  t.equal(fileInfoAddress(record, opcode, 0o645), undefined)
  t.equal(threadAddress(record, opcode), 200n)
  t.equal(threadAddress(record.subarray(0, 100), opcode), undefined)
})
