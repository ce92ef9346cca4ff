import t from 'tap'
import { readOperation } from '../../../src/master/ops/read.js'
import { Namespace, root } from '../harness/namespace.js'

t.test('what only reads is answered at once; the rest is not its business', async t => {
  const { state } = await Namespace.open()
  t.match(readOperation(state, { $case: 'getAttributes', value: { ino: root } }, 0), { cached: [root] })
  t.equal(readOperation(state, { $case: 'syncInode', value: { ino: root } }, 0), undefined)
})
