import t from 'tap'
import { checkOf } from '../../../src/master/ops/check.js'
import { readOperation } from '../../../src/master/ops/read.js'
import { Namespace, root } from '../harness/namespace.js'

t.test('an operation changes the namespace, or reads it, or concerns neither', async t => {
  const { state } = await Namespace.open()
  t.ok(checkOf({ $case: 'open', value: { ino: root } }))
  t.equal(readOperation(state, { $case: 'open', value: { ino: root } }, 0), undefined)
  t.equal(checkOf({ $case: 'getAttributes', value: { ino: root } }), undefined)
  t.equal(checkOf({ $case: 'statFs', value: {} }), undefined)
})
