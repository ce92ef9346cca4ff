import { constants } from 'node:os'
import t from 'tap'
import { type ErrorCode, errorCodes, LeasefsError } from '../../src/base/errors.js'
import { errnoFrom, errnoOf, KernelError } from '../../src/fuse/errno.js'

const { errno } = constants

t.test('every code has an errno that a file system may answer', async t => {
  t.same(Object.keys(errnoOf).sort(), [...errorCodes].sort())
  for (const code of errorCodes) t.ok(errnoOf[code] > 0, code)
})

t.test('a wait that ended and a lost server are EIO', async t => {
  const codes: ErrorCode[] = ['UNAVAILABLE', 'TIMEOUT', 'SESSION_LOST', 'CORRUPT', 'REPLICA_FAILED', 'STALE_VERSION']
  for (const code of codes) t.equal(errnoFrom(new LeasefsError(code, 'x')), errno.EIO, code)
})

t.test('what was caught becomes an errno, whatever it is', async t => {
  t.equal(errnoFrom(new LeasefsError('NOT_EMPTY', 'x')), errno.ENOTEMPTY)
  t.equal(errnoFrom(new KernelError('ENFILE', 'x')), errno.ENFILE)
  t.equal(errnoFrom(new Error('x')), errno.EIO)
  t.equal(errnoFrom(undefined), errno.EIO)
})
