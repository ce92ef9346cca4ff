// What a push does is in push-forward.ts; here is what the handler may do to it.

import t from 'tap'
import { LeasefsError } from '../../src/base/errors.js'
import type { DataHandler, PushReceiver } from '../../src/dataplane/data-plane.js'
import type { PushForwarder } from '../../src/dataplane/push-forward.js'
import type { PushFailure } from '../../src/dataplane/push-link.js'
import { PushReception } from '../../src/dataplane/push-reception.js'
import type { PushFrame } from '../../src/wire/frames.js'
import { bytesOf, pushFrame } from './harness.js'

const noForwarder = undefined as unknown as PushForwarder
const bytes = bytesOf(10)

/** A push without a chain to a handler whose receiver has the given flaws. */
function receive(flaws: Partial<PushReceiver>) {
  const calls: string[] = []
  const note = (name: 'write' | 'complete' | 'abandon') => (argument?: unknown) => {
    calls.push(name)
    const flaw = flaws[name] as ((argument?: unknown) => void) | undefined
    flaw?.(argument)
  }
  const receiver = { write: note('write'), complete: note('complete'), abandon: note('abandon') }
  const handler = { beginPush: () => receiver } as unknown as DataHandler
  const outcome: (PushFailure | undefined)[] = []
  const events = {
    received: () => calls.push('received'),
    over: (failure: PushFailure | undefined) => outcome.push(failure),
  }
  const push = new PushReception(pushFrame(1, bytes) as PushFrame, noForwarder, events)
  t.equal(push.begin(handler), undefined)
  return { push, calls, outcome }
}

const fail = (): never => {
  throw new LeasefsError('IO', 'the disk said no')
}

t.test('what the handler takes is complete', async t => {
  const { push, calls, outcome } = receive({})
  push.write(bytes.subarray(0, 4), false)
  push.write(bytes.subarray(4), true)
  t.same(calls, ['write', 'write', 'complete', 'received'])
  t.same(outcome, [undefined])
})

t.test('a receiver that fails is told to let go, and asked nothing more', async t => {
  const { push, calls, outcome } = receive({ write: fail })
  push.write(bytes.subarray(0, 4), false)
  push.write(bytes.subarray(4), true)
  t.same(calls, ['write', 'abandon'])
  t.match(outcome, [{ position: 0, error: { code: 'IO' } }])
})

t.test('bytes that could not be kept in the end are not acknowledged', async t => {
  const { push, calls, outcome } = receive({ complete: fail })
  push.write(bytes, true)
  t.same(calls, ['write', 'complete', 'abandon'])
  t.match(outcome, [{ position: 0, error: { code: 'IO' } }])
})

t.test('an abandoned push has no outcome', async t => {
  const { push, calls, outcome } = receive({})
  push.write(bytes.subarray(0, 4), false)
  push.abandon(new LeasefsError('UNAVAILABLE', 'gone'))
  t.same(calls, ['write', 'abandon'])
  t.same(outcome, [])
})
