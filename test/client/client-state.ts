import t from 'tap'
import { clientState } from '../../src/client/client-state.js'
import { waitsListedMax } from '../../src/client/limits.js'
import type { Ino, SessionId } from '../../src/wire/ids.js'

const standing = { master: { host: 'h', port: 1 }, connected: true, since: 100, heardAt: 400 }
const session = { id: 7 as SessionId, clusterId: 'c', standing }
const behind = { dirtyBytes: 10, lostBytes: 20 }
const inode = (hasError: boolean) => ({ writes: { hasError } })
const inodes = { all: () => [inode(true), inode(false)] } as never
const waits = Array.from({ length: waitsListedMax + 1 }, (_, i) => i)
const sources = [
  { waits: () => waits.map(i => ({ what: 'x', waitsFor: 'master', since: 500 + i, until: 1200, ino: 1 as Ino })) },
] as never

t.test('a client says how it stands, what it holds, and what waits, in times from now', async t => {
  const state = clientState({ session, inodes, behind, sources }, 1000)
  t.match(state, { clusterId: 'c', session: 7, master: 'h:1', connected: true, standingMs: 900, silentMs: 600 })
  t.match(state, { dirtyBytes: 10, lostBytes: 20, errorsUntold: 1, openInodes: 2, waitCount: waitsListedMax + 1 })
  t.equal(state.waits.length, waitsListedMax)
  t.same(state.waits[0], { what: 'x', waitsFor: 'master', ino: 1, ageMs: 500, leftMs: 200 })
})

t.test('without a connection it says why, and no silence', async t => {
  const away = { ...session, standing: { ...standing, connected: false, reason: 'refused' } }
  t.match(clientState({ session: away, inodes, behind, sources }, 1000), {
    connected: false,
    silentMs: 0,
    reason: 'refused',
  })
})
