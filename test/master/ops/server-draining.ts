import t from 'tap'
import { checkServerDraining } from '../../../src/master/ops/server-draining.js'
import { StateServerTable } from '../../../src/master/server-table.js'
import type { ServerId } from '../../../src/wire/ids.js'
import { onEachStore } from '../harness/namespace.js'

const [a, b] = ['server-a' as ServerId, 'server-b' as ServerId]

onEachStore(t, 'which servers are being emptied is remembered, until it is taken back', async (t, fs) => {
  const table = new StateServerTable(fs.state, fs.executor)
  t.same([...table.draining], [])
  await table.setDraining(b, true)
  await table.setDraining(a, true)
  t.same([...table.draining], [a, b])
  t.same([...new StateServerTable(fs.state, fs.executor).draining], [a, b], 'also by the next master')
  await table.setDraining(a, false)
  t.same([...table.draining], [b])
})

onEachStore(t, 'what is so already is not journaled again', async (t, fs) => {
  const table = new StateServerTable(fs.state, fs.executor)
  await table.setDraining(a, true)
  t.match(checkServerDraining(fs.state, a, true), { kind: 'answer' })
  t.match(checkServerDraining(fs.state, b, false), { kind: 'answer' })
  t.match(checkServerDraining(fs.state, a, false), { kind: 'change' })
})
