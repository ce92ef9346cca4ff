import t from 'tap'
import { LeasefsError } from '../../../src/base/errors.js'
import { DataUnknownError, failureFields, failureOf } from '../../../src/chunkserver/mutations/mutation-error.js'
import type { SessionId } from '../../../src/wire/ids.js'

const id = { client: 1 as SessionId, counter: 2 }

t.test('an answer has the code, the message and what data is missing', async t => {
  t.same(failureFields(undefined), { failure: undefined, missing: [] })
  t.same(failureFields(new LeasefsError('NO_SPACE', 'full')), {
    failure: { code: 'NO_SPACE', message: 'full' },
    missing: [],
  })
  t.match(failureFields(new DataUnknownError([id])), { failure: { code: 'DATA_UNKNOWN' }, missing: [id] })
})

t.test('an error of ours keeps its code, any other is INTERNAL', async t => {
  t.equal(failureOf(new LeasefsError('IO', 'x')).code, 'IO')
  t.equal(failureOf(new Error('x')).code, 'INTERNAL')
})
