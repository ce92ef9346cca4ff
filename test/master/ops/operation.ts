import t from 'tap'
import {
  answer,
  attributesResult,
  change,
  doneResult,
  type Effect,
  isDirectory,
} from '../../../src/master/ops/operation.js'
import { Namespace, REGULAR, root } from '../harness/namespace.js'

t.test('a decision is a change or an answer', async t => {
  const effect = { $case: 'inodesClosed', value: { inos: [root] } } satisfies Effect
  t.same(change(effect), { kind: 'change', effect })
  t.same(answer(doneResult), { kind: 'answer', result: doneResult })
})

t.test('an answer with attributes has those of now', async t => {
  const { state } = await Namespace.open()
  t.same(attributesResult(state, root), { $case: 'attributes', value: state.inodes.get(root).attributes })
  t.throws(() => attributesResult(state, 2), { code: 'NOT_FOUND' })
  t.ok(isDirectory(state.inodes.get(root).attributes))
  t.notOk(isDirectory({ type: REGULAR }))
})
