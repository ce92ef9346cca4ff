import t from 'tap'
import { decodeStored, encodeStored } from '../../../src/master/state/stored.js'
import { StoredChunk, StoredDentry } from '../../../src/wire/gen/state.js'

t.test('a value comes back as it was', async t => {
  const usage = { allocatedBytes: 4096, usageLeaseId: 8, usageSerial: 9, placed: ['s1'] }
  const chunk = { ino: 2 ** 50, index: 5, version: 7, replicaCount: 3, goal: 3, settledVersion: 6, ...usage }
  t.same(decodeStored(StoredChunk, encodeStored(StoredChunk, chunk), 'chunk'), chunk)
})

t.test('damage is named', async t => {
  const bytes = encodeStored(StoredDentry, { ino: 300 })
  const decode = () => decodeStored(StoredDentry, bytes.subarray(0, 2), 'entry x')
  t.throws(decode, { code: 'CORRUPT', message: /^entry x/ })
})
