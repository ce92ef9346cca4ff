import t from 'tap'
import { LeasefsError } from '../../../src/base/errors.js'
import type { ChunkService } from '../../../src/master/chunk-service.js'
import { cachedBy, checkedRequest, Requests, replyOf, resultOf } from '../../../src/master/clients/requests.js'
import { checkAllocate } from '../../../src/master/ops/chunks.js'
import { doneResult } from '../../../src/master/ops/operation.js'
import type { ChunkLayout, ReportReplica } from '../../../src/wire/gen/client.js'
import type { ChunkHandle, Ino } from '../../../src/wire/ids.js'
import { make, unlink } from '../harness/client.js'
import { Namespace, root } from '../harness/namespace.js'

const origin = { sessionId: 1, number: 1000, answeredThrough: 0 }

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
  const { state, executor, journal } = fs
  return { fs, reports, requests: new Requests({ state, executor, journal, chunks, goal: 2 }) }
}

function locate(ino: number) {
  return { $case: 'locateChunks', value: { ino, firstIndex: 0, count: 2, forWrite: false } } as const
}

t.test('a read is answered at once, a change when it is done', async t => {
  const { requests } = await open()
  t.match(requests.answer({ $case: 'getAttributes', value: { ino: root } }, origin), { cached: [root] })
  t.match(await requests.answer(make(root, 'a'), origin), {
    result: { $case: 'attributes', value: { ino: 2 } },
    cached: [root, 2],
    dropped: false,
  })
  t.match(await requests.answer(make(root, 'a'), origin), { cached: [root, 2], dropped: true }, 'the second time')
  const removal = { ...origin, number: 1001 }
  t.match(await requests.answer(unlink(root, 'a'), removal), { result: doneResult, cached: [] })
})

t.test('statistics have the space of the servers and the default goal', async t => {
  const { requests } = await open()
  t.same(requests.answer({ $case: 'statFs', value: {} }, origin), {
    result: { $case: 'statistics', value: { totalBytes: 300, freeBytes: 200, inodes: 1, goal: 2 } },
    cached: [],
  })
})

t.test('a report is passed on, and a sync waits for the journal', async t => {
  const { requests, reports } = await open()
  const report = { handle: 1, version: 2, serverId: 's', code: 'IO' }
  t.match(await requests.answer({ $case: 'reportReplica', value: report }, origin), { result: doneResult })
  t.same(reports, [report])
  t.match(await requests.answer({ $case: 'syncInode', value: { ino: root } }, origin), { result: doneResult })
})

t.test('a layout names the file’s chunks as they are when it is sent', async t => {
  const ino = 2 as Ino
  const { fs, requests } = await open(async () => {
    tries++
    const before = fs.state.chunks.ofFile(ino, 0, 2).map(({ handle }) => handle)
    if (tries === 1) await fs.submit(state => checkAllocate(state, ino, [{ index: 0, replicaCount: 1 }]))
    return layout(...[0, 0].map((none, index) => before[index] ?? none))
  })
  let tries = 0
  await fs.make(root, 'a')
  t.match(await requests.answer(locate(ino), origin), {
    result: { value: { chunks: [{ handle: 1 }, { handle: 0 }] } },
    cached: [ino],
  })
  t.equal(tries, 2)
})

t.test('only a regular file has a layout, and only one that does not change for ever', async t => {
  let handle = 1
  const { fs, requests } = await open(async () => layout(handle++ as ChunkHandle))
  await fs.make(root, 'a')
  const ask = async (ino: number) => await requests.answer(locate(ino), origin)
  await t.rejects(ask(root), { code: 'IS_A_DIRECTORY' })
  await t.rejects(ask(99), { code: 'NOT_FOUND' })
  await t.rejects(ask(2), { code: 'UNAVAILABLE' })
})

t.test('a request is numbered from 1, and says what it wants', async t => {
  const operation = { $case: 'statFs', value: {} } as const
  t.equal(checkedRequest({ number: 1, answeredThrough: 0, operation }), operation)
  t.throws(() => checkedRequest({ number: 0, answeredThrough: 0, operation }), { code: 'INVALID_ARGUMENT' })
  t.throws(() => checkedRequest({ number: 5, answeredThrough: 5, operation }), { code: 'INVALID_ARGUMENT' })
  t.throws(() => checkedRequest({ number: 1, answeredThrough: 0, operation: undefined }), { code: 'NOT_SUPPORTED' })
})

t.test('a reply is a result or a failure', async t => {
  t.same(replyOf(5, { result: doneResult, cached: [] }), { number: 5, failure: undefined, result: doneResult })
  t.same(replyOf(5, { failure: new LeasefsError('IO', 'm'), cached: [] }), {
    number: 5,
    failure: { code: 'IO', message: 'm' },
    result: undefined,
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
  const repeated = { kind: 'repeated', reply: { number: 1, failure: undefined, result: undefined } } as const
  t.same(resultOf(repeated), doneResult)
})
