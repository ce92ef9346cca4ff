import assert from 'node:assert/strict'
import t from 'tap'
import { errorCodeOf, errorCodes, errorLengthMax, LeasefsError, rethrowBug } from '../../src/base/errors.js'

t.test('an error of ours stays itself, another becomes its cause', async t => {
  const ours = new LeasefsError('NOT_FOUND', 'no such file')
  t.equal(LeasefsError.from(ours, 'IO'), ours)

  const other = new RangeError('far')
  t.match(LeasefsError.from(other), { code: 'INTERNAL', message: 'far', cause: other })
  t.match(LeasefsError.from(other, 'IO'), { code: 'IO' })
  t.match(LeasefsError.from('text'), { code: 'INTERNAL', message: 'text' })
})

t.test('a message is bounded, and whole Unicode, whatever it repeats', async t => {
  const { message } = new LeasefsError('INVALID_ARGUMENT', `no server ${'x'.repeat(errorLengthMax)}`)
  t.equal(message.length, errorLengthMax + 1)
  t.ok(message.startsWith('no server xxx') && message.endsWith('…'))
  const cut = new LeasefsError('INVALID_ARGUMENT', '😀'.slice(0, 1))
  t.doesNotThrow(() => encodeURI(cut.message), 'as gRPC sends it')
})

t.test('a code off the wire is one of ours or INTERNAL', async t => {
  for (const code of errorCodes) t.equal(errorCodeOf(code), code)
  for (const text of ['', 'not_found', 'BEYOND_REPAIR', 'toString']) t.equal(errorCodeOf(text), 'INTERNAL', text)
})

t.test('no code is there twice', async t => {
  t.equal(new Set(errorCodes).size, errorCodes.length)
})

t.test('a broken invariant is thrown where nothing catches it; other errors are left to the caller', async t => {
  const thrown: unknown[] = []
  const catchAll = (reason: unknown) => thrown.push(reason)
  const listeners = process.listeners('uncaughtException')
  process.removeAllListeners('uncaughtException')
  process.on('uncaughtException', catchAll)
  const bug = new assert.AssertionError({ message: 'a bug' })
  for (const reason of [bug, new LeasefsError('IO', ''), new RangeError(), 'text']) rethrowBug(reason)
  await new Promise(resolve => setImmediate(resolve))
  process.off('uncaughtException', catchAll)
  for (const listener of listeners) process.on('uncaughtException', listener)
  t.same(thrown, [bug])
})
