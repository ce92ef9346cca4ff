import t from 'tap'
import { checkApply, checkCommit } from '../../../src/chunkserver/mutations/checked.js'
import { chunkSize, commitMutationsMax, mutationSizeMax } from '../../../src/constants.js'
import type { Mutation } from '../../../src/wire/gen/mutation.js'

const id = { client: 3, counter: 0 }
const write = (offset: number, length: number): Mutation => ({
  id,
  kind: { $case: 'write', value: { offset, length } },
})
const commit = { number: 1, handle: 5, version: 2 }

t.test('what is right comes through', async t => {
  const cases: [Mutation, object][] = [
    [write(0, 1), { kind: 'write', offset: 0, length: 1 }],
    [write(chunkSize - mutationSizeMax, mutationSizeMax), { kind: 'write', length: mutationSizeMax }],
    [
      { id, kind: { $case: 'truncate', value: { length: chunkSize } } },
      { kind: 'truncate', length: chunkSize },
    ],
    [
      { id, kind: { $case: 'truncate', value: { length: 0 } } },
      { kind: 'truncate', length: 0 },
    ],
    [
      { id, kind: { $case: 'truncate', value: { length: 7, afterLeaseId: 2 ** 40, afterSerial: 0 } } },
      { kind: 'truncate', length: 7, after: { leaseId: 2 ** 40, serial: 0 } },
    ],
    [{ id, kind: { $case: 'sync', value: {} } }, { kind: 'sync' }],
    [
      { id, kind: { $case: 'zero', value: { offset: 0, length: chunkSize } } },
      { kind: 'zero', offset: 0, length: chunkSize },
    ],
    [
      { id, kind: { $case: 'allocate', value: { offset: 7, length: 1 } } },
      { kind: 'allocate', offset: 7, length: 1 },
    ],
  ]
  for (const [mutation, change] of cases) {
    const checked = checkCommit({ ...commit, mutations: [mutation] })
    t.match(checked, { handle: 5, version: 2, mutations: [{ key: '3:0', change }] })
    t.equal(checked.mutations[0]?.wire, mutation)
  }
  const apply = checkApply({ handle: 5, version: 2, leaseId: 2 ** 40, firstSerial: 9, mutations: [write(0, 1)] })
  t.match(apply, { leaseId: 2 ** 40, firstSerial: 9 })
})

t.test('what is wrong is INVALID_ARGUMENT', async t => {
  const wrong: Mutation[][] = [
    [],
    [write(0, 0)],
    [write(-1, 1)],
    [write(0.5, 1)],
    [write(0, mutationSizeMax + 1)],
    [write(chunkSize, 1)],
    [write(chunkSize - 1, 2)],
    [write(Number.NaN, 1)],
    [{ id: undefined, kind: { $case: 'sync', value: {} } }],
    [{ id, kind: undefined }],
    [{ id: { client: 0, counter: 1 }, kind: { $case: 'sync', value: {} } }],
    [{ id: { client: 1, counter: -1 }, kind: { $case: 'sync', value: {} } }],
    [{ id, kind: { $case: 'truncate', value: { length: chunkSize + 1 } } }],
    [{ id, kind: { $case: 'truncate', value: { length: 0, afterLeaseId: 0, afterSerial: 1 } } }],
    [{ id, kind: { $case: 'truncate', value: { length: 0, afterLeaseId: 1, afterSerial: -1 } } }],
    [{ id, kind: { $case: 'zero', value: { offset: 0, length: 0 } } }],
    [{ id, kind: { $case: 'allocate', value: { offset: chunkSize, length: 1 } } }],
    [write(0, 1), write(5, 1)],
    Array.from({ length: commitMutationsMax + 1 }, (_, counter) => ({ ...write(0, 1), id: { client: 1, counter } })),
  ]
  for (const mutations of wrong) {
    t.throws(() => checkCommit({ ...commit, mutations }), { code: 'INVALID_ARGUMENT' }, JSON.stringify(mutations[0]))
  }
  for (const changes of [{ handle: 0 }, { version: 0 }, { leaseId: 0 }, { firstSerial: 0 }, { handle: 1.5 }]) {
    const apply = { handle: 1, version: 1, leaseId: 1, firstSerial: 1, mutations: [write(0, 1)], ...changes }
    t.throws(() => checkApply(apply), { code: 'INVALID_ARGUMENT' }, JSON.stringify(changes))
  }
})
