import t from 'tap'
import { LeasefsError } from '../../src/base/errors.js'
import { Attempts, listWaits } from '../../src/client/waits.js'
import type { ChunkHandle, Ino } from '../../src/wire/ids.js'

const wait = { what: 'read', waitsFor: 'replicas', since: 100, until: 900, ino: 5 as Ino, index: 0 } as const
const handle = 9 as ChunkHandle

t.test('work is listed from when someone is asked to its end, with what the last attempt came to', async t => {
  const attempts = new Attempts()
  const attempt = attempts.begin(wait)
  t.same([...attempts.waits()], [], 'not while the master is asked where')
  attempt.asks(handle, ['h:1'])
  t.same([...attempts.waits()], [{ ...wait, handle, servers: ['h:1'] }])
  attempt.failed(new LeasefsError('IO', 'first'))
  attempt.asks(handle, ['h:2'])
  attempt.failed(new LeasefsError('IO', 'second'))
  t.same([...attempts.waits()], [{ ...wait, handle, servers: ['h:2'], reason: 'second' }])
  attempt.end()
  t.same([...attempts.waits()], [])
})

t.test('of many the oldest are listed, and all are counted', async t => {
  const source = (...times: number[]) => ({ waits: () => times.map(since => ({ ...wait, since })) })
  const { waits, count } = listWaits([source(3, 1), source(2)], 2)
  t.same(
    waits.map(({ since }) => since),
    [1, 2],
  )
  t.equal(count, 3)
})
