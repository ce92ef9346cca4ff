import t from 'tap'
import { MemoryStore } from '../../../src/master/state/memory-store.js'
import { ServerRecords } from '../../../src/master/state/servers.js'

t.test('servers that are being emptied are listed in order', async t => {
  const store = new MemoryStore()
  const servers = new ServerRecords(store)
  store.transaction(() => {
    for (const id of ['b', 'a']) servers.setDraining(id, true)
  })
  t.same(servers.draining(), ['a', 'b'])
  t.same([servers.isDraining('a'), servers.isDraining('c')], [true, false])
  store.transaction(() => servers.setDraining('a', false))
  t.same(servers.draining(), ['b'])
})
