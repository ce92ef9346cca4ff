import t from 'tap'
import { LeasefsError } from '../../src/base/errors.js'
import { attributesFromWire } from '../../src/client/attributes.js'
import { clearTail } from '../../src/client/file-tail.js'
import { tailAttemptsMax } from '../../src/client/limits.js'
import type { BatchMutation } from '../../src/client/mutate.js'
import { chunkSize } from '../../src/constants.js'
import type { DataId, Ino } from '../../src/wire/ids.js'
import { attributesOf } from './harness/master.js'

const id = { client: 1, counter: 1 } as DataId
const after = { leaseId: 7, serial: 3 }

/** A file that ends 100 bytes into its second chunk, of which the replicas have 500. */
function file() {
  const script = {
    size: chunkSize + 100,
    replicaLength: 500,
    openElsewhere: false,
    orders: [after] as (typeof after | undefined)[],
    refusals: [] as LeasefsError[],
    log: [] as string[],
    cuts: [] as [number, BatchMutation][],
  }
  const attributes = () => attributesFromWire(attributesOf(9, { size: script.size }))
  const clear = () =>
    clearTail({
      ino: 9 as Ino,
      nextDataId: () => id,
      metadata: {
        getAttributes: async () => attributes(),
        async getOpens() {
          script.log.push('opens')
          return { attributes: attributes(), openElsewhere: script.openElsewhere }
        },
      },
      extents: {
        async length() {
          script.log.push('length')
          return script.replicaLength
        },
        async order() {
          script.log.push('order')
          return script.orders.length > 1 ? script.orders.shift() : script.orders[0]
        },
      },
      writes: {
        async applyOne(index, mutation) {
          script.log.push('cut')
          const refusal = script.refusals.shift()
          if (refusal) throw refusal
          script.cuts.push([index, mutation])
          script.replicaLength = Math.min(script.replicaLength, 100)
        },
      },
    })
  return { script, clear }
}

t.test('what is beyond the end is cut off, at the place where the order stood before the master was asked', async t => {
  const { script, clear } = file()
  t.equal(await clear(), true)
  t.same(script.log, ['length', 'order', 'opens', 'cut'])
  t.same(script.cuts, [[1, { kind: 'truncate', id, length: 100, after }]])
})

t.test('if there is nothing, nobody else is asked', async t => {
  const { script, clear } = file()
  script.replicaLength = 100
  t.equal(await clear(), true)
  t.same(script.log, ['length'])
})

t.test('a chunk that begins where the file ends is looked at too', async t => {
  const { script, clear } = file()
  script.size = 2 * chunkSize
  t.equal(await clear(), true)
  t.match(script.cuts, [[2, { length: 0 }]])
})

t.test('while another session has the inode open nothing is cut: it may be about to report', async t => {
  const { script, clear } = file()
  script.openElsewhere = true
  t.equal(await clear(), false)
  t.same(script.log, ['length', 'order', 'opens'])
})

t.test('what has changed meanwhile is looked at again', async t => {
  const changed = new LeasefsError('CHANGED', 'others were first')
  const { script, clear } = file()
  script.refusals = [changed]
  t.equal(await clear(), true)
  t.equal(script.log.length, 8)

  const another = file()
  another.script.orders = [undefined, after]
  t.equal(await another.clear(), true, 'the lease had moved')
  t.same(another.script.log, ['length', 'order', 'opens', 'length', 'order', 'opens', 'cut'])

  const busy = file()
  busy.script.refusals = Array(tailAttemptsMax).fill(changed)
  t.equal(await busy.clear(), false)
  t.equal(busy.script.cuts.length, 0)
})

t.test('a size that another client has just reported is taken note of', async t => {
  const { script, clear } = file()
  let asked = 0
  Object.defineProperty(script, 'size', { get: () => chunkSize + (asked++ === 0 ? 100 : 500) })
  t.equal(await clear(), true)
  t.same(script.cuts, [])
})

t.test('what can not be found out or cut is an error', async t => {
  const { script, clear } = file()
  script.refusals = [new LeasefsError('TIMEOUT', 'no primary')]
  await t.rejects(clear(), { code: 'TIMEOUT' })
})
