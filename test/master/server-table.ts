import t from 'tap'
import { StateServerTable } from '../../src/master/server-table.js'
import type { ServerId } from '../../src/wire/ids.js'
import { Namespace } from './harness/namespace.js'

t.test('what is journaled of servers is there for the next start', async t => {
  const fs = await Namespace.open()
  const table = new StateServerTable(fs.state, fs.executor)
  await table.setDraining('s1' as ServerId, true)
  await table.setDraining('s2' as ServerId, true)
  await table.setDraining('s1' as ServerId, false)
  t.same([...table.draining], ['s2'])
  t.same([...new StateServerTable(fs.state, fs.executor).draining], ['s2'])
})
