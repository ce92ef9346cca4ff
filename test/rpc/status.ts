import { Metadata, status } from '@grpc/grpc-js'
import t from 'tap'
import { errorCodes, LeasefsError } from '../../src/base/errors.js'
import { errorMessageLengthMax } from '../../src/rpc/limits.js'
import { errorMetadata, errorOfStatus, statusOf } from '../../src/rpc/status.js'

t.test('every error survives as metadata, whatever the status', async t => {
  for (const code of errorCodes) {
    const metadata = errorMetadata(new LeasefsError(code, `chunk 00a1 – ${code}`))
    for (const [grpcCode, details] of [
      [statusOf[code], ''],
      [status.OK, 'OK'],
    ] as const) {
      const error = errorOfStatus({ code: grpcCode, details, metadata }, 'peer')
      t.match(error, { code, message: `chunk 00a1 – ${code}` })
    }
    t.not(statusOf[code], status.OK)
  }
})

t.test('a status without our metadata is told by its number', async t => {
  const of = (code: status) => errorOfStatus({ code, details: 'why', metadata: new Metadata() }, 'a:1')
  t.match(of(status.UNAVAILABLE), { code: 'UNAVAILABLE', message: 'a:1: why' })
  t.match(of(status.UNIMPLEMENTED), { code: 'NOT_SUPPORTED' })
  t.match(of(status.RESOURCE_EXHAUSTED), { code: 'TOO_BIG' })
  t.match(of(status.UNKNOWN), { code: 'INTERNAL' })
  t.match(of(status.OK), { code: 'CANCELLED' }, 'the clean end of a stream')
})

t.test('codes of a newer peer are INTERNAL, and long messages are cut', async t => {
  const metadata = new Metadata()
  metadata.set('leasefs-code', 'FROM_THE_FUTURE')
  t.match(errorOfStatus({ code: status.UNKNOWN, details: '', metadata }, 'p'), { code: 'INTERNAL' })
  const long = errorMetadata(new LeasefsError('IO', 'x'.repeat(10 * errorMessageLengthMax)))
  t.equal(errorOfStatus({ code: status.OK, details: '', metadata: long }, 'p').message.length, errorMessageLengthMax)
})
