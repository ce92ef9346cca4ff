import t from 'tap'
import { UnderwayTable } from '../../src/fuse/underway.js'

t.test('what was begun is under way until it has ended', async t => {
  const table = new UnderwayTable()
  const ended = table.begin({ operation: 'read', since: 1 })
  table.begin({ operation: 'read', since: 1 })
  t.equal([...table.list()].length, 2, 'two that are alike are two')
  ended()
  t.same([...table.list()], [{ operation: 'read', since: 1 }])
})
