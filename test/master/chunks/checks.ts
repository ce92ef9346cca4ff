import t from 'tap'
import { chunkSize, formatVersion, goalMax } from '../../../src/constants.js'
import {
  checkHandle,
  checkRegister,
  checkReplica,
  checkReplicasFailed,
  checkServerId,
  checkSpace,
} from '../../../src/master/chunks/checks.js'
import type { ClusterId } from '../../../src/wire/ids.js'

const cluster = 'this' as ClusterId
const server = { serverId: 'a', controlAddress: 'h:1', dataAddress: '[::1]:2', location: '/d/r/h' }
const register = { clusterId: '', server, incarnation: 'i', formatVersion, totalBytes: 2, freeBytes: 1 }
const undoubted = { doubtful: false, followedLeaseId: 0, damagedBlocks: 0 }
const replica = {
  handle: 1,
  version: 1,
  length: 0,
  leaseId: 0,
  leaseRemainingMs: 0,
  secondaries: [] as string[],
  ...undoubted,
}

t.test('a registration in order is accepted', async t => {
  t.match(checkRegister(register, cluster), {
    id: 'a',
    incarnation: 'i',
    location: { dc: 'd', rack: 'r' },
    freeBytes: 1,
  })
  t.ok(checkRegister({ ...register, clusterId: 'this' }, cluster))
})

const refused: [code: string, change: Partial<typeof register>][] = [
  ['WRONG_CLUSTER', { clusterId: 'that' }],
  ['NEWER_FORMAT', { formatVersion: formatVersion + 1 }],
  ['NEWER_FORMAT', { formatVersion: 0, clusterId: 'that' }],
  ['INVALID_ARGUMENT', { incarnation: '' }],
  ['INVALID_ARGUMENT', { incarnation: 'x'.repeat(65) }],
  ['INVALID_ARGUMENT', { freeBytes: 3 }],
  ['INVALID_ARGUMENT', { server: { ...server, serverId: '' } }],
  ['INVALID_ARGUMENT', { server: { ...server, serverId: 'a b' } }],
  ['INVALID_ARGUMENT', { server: { ...server, controlAddress: 'h' } }],
  ['INVALID_ARGUMENT', { server: { ...server, dataAddress: 'h:0' } }],
  ['INVALID_ARGUMENT', { server: { ...server, dataAddress: 'h:99999' } }],
  ['INVALID_ARGUMENT', { server: { ...server, location: 'rack' } }],
]
for (const [code, change] of refused) {
  t.test(`a registration with ${JSON.stringify(change)} is refused`, async t => {
    t.throws(() => checkRegister({ ...register, ...change }, cluster), { code })
  })
}

t.test('a registration without an address is refused', async t => {
  t.throws(() => checkRegister({ ...register, server: undefined }, cluster), { code: 'INVALID_ARGUMENT' })
})

t.test('replicas are checked', async t => {
  t.same(checkReplica(replica), { handle: 1, version: 1 })
  t.same(checkReplica({ ...replica, version: 0 }), { handle: 1, version: 0 }, 'it is gone')
  for (const bad of [
    { handle: 0 },
    { version: 2 ** 32 },
    { length: chunkSize + 1 },
    { secondaries: Array<string>(goalMax).fill('x') },
  ]) {
    t.throws(() => checkReplica({ ...replica, ...bad }), { code: 'INVALID_ARGUMENT' }, JSON.stringify(bad))
  }
})

t.test('reports of failed replicas are checked', async t => {
  const failure = { number: 1, handle: 1, version: 1, leaseId: 1, serverIds: ['a'], code: 'IO' }
  t.equal(checkReplicasFailed(failure), failure)
  t.throws(() => checkReplicasFailed({ ...failure, handle: 0 }), { code: 'INVALID_ARGUMENT' })
  t.throws(() => checkReplicasFailed({ ...failure, serverIds: ['/'] }), { code: 'INVALID_ARGUMENT' })
  const many = Array<string>(goalMax).fill('x')
  t.throws(() => checkReplicasFailed({ ...failure, serverIds: many }), { code: 'INVALID_ARGUMENT' })
})

t.test('ids and numbers are checked', async t => {
  t.equal(checkHandle(5), 5)
  t.throws(() => checkHandle(0), { code: 'INVALID_ARGUMENT' })
  t.equal(checkServerId('a-1.b_C'), 'a-1.b_C')
  t.throws(() => checkServerId('x'.repeat(65)), { code: 'INVALID_ARGUMENT' })
  t.same(checkSpace({ ...register }), { totalBytes: 2, freeBytes: 1 })
})
