import t from 'tap'
import { deferred } from '../../../src/base/deferred.js'
import { LeasefsError } from '../../../src/base/errors.js'
import type { ChunkService } from '../../../src/master/chunk-service.js'
import { CacheLease } from '../../../src/master/clients/cache-lease.js'
import { Interest } from '../../../src/master/clients/interest.js'
import { cachedBy, checkedRequest, Requests, replyOf, resultOf } from '../../../src/master/clients/requests.js'
import { doneResult } from '../../../src/master/ops/operation.js'
import type { Operation } from '../../../src/master/ops/read.js'
import type { ChunkLayout, ReportReplica } from '../../../src/wire/gen/client.js'
import { LockType } from '../../../src/wire/gen/common.js'
import type { Ino } from '../../../src/wire/ids.js'
import { make, setLock, unlink } from '../harness/client.js'
import { Namespace, root } from '../harness/namespace.js'

function layout(...handles: number[]): ChunkLayout {
  const nothing = { version: 1, replicas: [], lease: undefined }
  return { chunks: handles.map((handle, index) => ({ index, handle, ...nothing })) }
}

async function open(locate: ChunkService['locate'] = async () => layout()) {
  const fs = await Namespace.open()
  const reports: ReportReplica[] = []
  const chunks: ChunkService = {
    locate,
    report: async report => {
      reports.push(report)
    },
    space: () => ({ totalBytes: 300, freeBytes: 200 }),
    dropped: () => {},
    handlers: () => [],
    close: async () => {},
  }
  const { state, executor, journal, clock } = fs
  const requests = new Requests({ state, executor, journal, chunks, goal: 2, recall: () => {} })
  const lease = new CacheLease({ clock, leaseMs: 1000, interest: new Interest() })
  lease.attach(() => {})
  const ask = (operation: Operation, number = 1000) =>
    requests.answer(operation, { sessionId: 1, number, answeredThrough: 0 }, lease)
  return { fs, reports, lease, ask, requests }
}

function locate(ino: number) {
  return { $case: 'locateChunks', value: { ino, firstIndex: 0, count: 2, forWrite: false } } as const
}

t.test('a read is answered at once, a change when it is done', async t => {
  const { ask } = await open()
  t.match(ask({ $case: 'getAttributes', value: { ino: root } }), { cached: [root] })
  t.match(await ask(make(root, 'a')), {
    result: { $case: 'attributes', value: { ino: 2 } },
    cached: [root, 2],
    changed: [{ ino: root }],
    dropped: false,
  })
  t.match(await ask(make(root, 'a')), { cached: [root, 2], dropped: true }, 'the second time')
  const { changed } = await ask(unlink(root, 'a'), 1001)
  t.match(changed, [{ ino: root }], 'what is gone has no attributes')
})

t.test('statistics have the space of the servers and the default goal', async t => {
  const { ask } = await open()
  t.same(ask({ $case: 'statFs', value: {} }), {
    result: { $case: 'statistics', value: { totalBytes: 300, freeBytes: 200, inodes: 1, goal: 2 } },
    cached: [],
  })
})

t.test('a report is passed on, and a sync waits for the journal', async t => {
  const { ask, reports } = await open()
  const report = { handle: 1, version: 2, serverId: 's', code: 'IO' }
  t.match(await ask({ $case: 'reportReplica', value: report }), { result: doneResult })
  t.same(reports, [report])
  t.match(await ask({ $case: 'syncInode', value: { ino: root } }), { result: doneResult })
})

t.test('a lock is asked for like a change, and caches nothing; a wait goes on when it can, or ends', async t => {
  const { fs, ask, requests } = await open()
  const other = await fs.startSession()
  const { ino } = await fs.make(root, 'a')
  t.match(await ask(setLock(ino, 'p', LockType.EXCLUSIVE), 2001), { result: doneResult, cached: [] })
  await t.rejects(async () => await ask(setLock(ino, 'q', LockType.EXCLUSIVE), 2002), { code: 'WOULD_BLOCK' })

  const waiting = [2003, 2004].map(number => ask(setLock(ino, `w${number}`, LockType.SHARED, { wait: true }), number))
  const outcomes = Promise.allSettled(waiting)
  await fs.clock.advance(0)
  t.match(ask({ $case: 'cancelWait', value: { number: 2003 } }), { result: doneResult, cached: [] })
  requests.unheard(other, new LeasefsError('CANCELLED', 'of another session'))
  await ask(setLock(ino, 'p', LockType.UNLOCKED), 2005)
  requests.committed(
    { kind: 'applied', outcome: { result: doneResult, touched: [], freed: [], unlocked: [ino as Ino] } },
    undefined,
  )
  t.match(await outcomes, [{ reason: { code: 'CANCELLED' } }, { value: { result: doneResult } }])
})

t.test('a layout is registered before it is asked for, and known to be out of date', async t => {
  const asked = deferred<ChunkLayout>()
  const { fs, lease, ask } = await open(() => asked.promise)
  const { ino } = await fs.make(root, 'a')
  const first = ask(locate(ino))
  const second = ask(locate(ino))
  asked.resolve(layout(1, 0))
  t.match(await first, { result: { value: { chunks: [{ handle: 1 }, {}] } }, cached: [ino], watch: { changed: false } })
  t.ok(lease.invalidate([ino as Ino]), 'it is registered')
  t.match(await second, { watch: { changed: true } })
})

t.test('only a regular file has a layout', async t => {
  const { ask } = await open()
  const asked = async (ino: number) => await ask(locate(ino))
  await t.rejects(asked(root), { code: 'IS_A_DIRECTORY' })
  await t.rejects(asked(99), { code: 'NOT_FOUND' })
})

t.test('a request is numbered from 1, and says what it wants', async t => {
  const operation = { $case: 'statFs', value: {} } as const
  t.equal(checkedRequest({ number: 1, answeredThrough: 0, operation }), operation)
  t.throws(() => checkedRequest({ number: 0, answeredThrough: 0, operation }), { code: 'INVALID_ARGUMENT' })
  t.throws(() => checkedRequest({ number: 5, answeredThrough: 5, operation }), { code: 'INVALID_ARGUMENT' })
  t.throws(() => checkedRequest({ number: 1, answeredThrough: 0, operation: undefined }), { code: 'NOT_SUPPORTED' })
})

t.test('a reply is a result or a failure', async t => {
  t.same(replyOf(5, { result: doneResult, cached: [] }), {
    number: 5,
    failure: undefined,
    result: doneResult,
    changed: [],
  })
  t.same(replyOf(5, { failure: new LeasefsError('IO', 'm'), cached: [] }), {
    number: 5,
    failure: { code: 'IO', message: 'm' },
    result: undefined,
    changed: [],
  })
})

t.test('what lets a client cache is what carries attributes', async t => {
  const { fs } = await open()
  const value = fs.stat(root)
  const attributes = { $case: 'attributes', value } as const
  const unchanged = { kind: 'unchanged', result: attributes } as const
  t.same(cachedBy(make(7, 'a'), unchanged), [7, root])
  t.same(cachedBy({ $case: 'open', value: { ino: root } }, unchanged), [root])
  t.same(cachedBy(unlink(7, 'a'), { kind: 'unchanged', result: doneResult }), [])
  const applied = {
    kind: 'applied',
    outcome: { result: doneResult, touched: [root as Ino, 9 as Ino], freed: [] },
  } as const
  t.same(cachedBy(unlink(root, 'a'), applied), [root, 9], 'and what the change touched')
  const reply = { number: 1, failure: undefined, result: undefined, changed: [] }
  t.same(resultOf({ kind: 'repeated', reply }), doneResult)
})
