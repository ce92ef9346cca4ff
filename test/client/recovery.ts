import t from 'tap'
import { type ErrorCode, errorCodes } from '../../src/base/errors.js'
import { commitRecoveryFrom, readRecoveryFrom, worthReporting } from '../../src/client/recovery.js'

t.test('a commit is tried again exactly when another attempt can end differently', async t => {
  const again: Partial<Record<ErrorCode, string>> = {
    NOT_FOUND: 'relocate',
    NOT_PRIMARY: 'relocate',
    STALE_VERSION: 'relocate',
    REPLICA_FAILED: 'relocate',
    CORRUPT: 'relocate',
    IO: 'relocate',
    UNAVAILABLE: 'relocate',
    TIMEOUT: 'relocate',
    CANCELLED: 'relocate',
    SESSION_LOST: 'relocate',
    DATA_UNKNOWN: 'push-again',
  }
  for (const code of errorCodes) t.equal(commitRecoveryFrom[code], again[code] ?? 'fail', code)
})

t.test('a read goes on to the next replica, or asks the master where they are now', async t => {
  for (const code of ['CORRUPT', 'IO', 'UNAVAILABLE', 'TIMEOUT'] as const) {
    t.equal(readRecoveryFrom[code], 'next-replica', code)
  }
  for (const code of ['STALE_VERSION', 'NOT_FOUND'] as const) t.equal(readRecoveryFrom[code], 'relocate', code)
  t.equal(readRecoveryFrom.INVALID_ARGUMENT, 'fail')
})

t.test('the master hears of what it can do something about', async t => {
  const reported = errorCodes.filter(worthReporting)
  t.same(reported.sort(), ['CORRUPT', 'IO', 'STALE_VERSION', 'UNAVAILABLE'])
})
