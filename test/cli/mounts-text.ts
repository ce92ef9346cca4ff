import t from 'tap'
import type { AskedMount } from '../../src/cli/control/host-mounts.js'
import type { MountState } from '../../src/cli/control/mount-state.js'
import { ageText, mountsText, standingText } from '../../src/cli/mounts-text.js'
import type { Ino } from '../../src/wire/ids.js'

const state: MountState = {
  ...{ mountPoint: '/mnt/a', pid: 12, binding: 'kernel', clusterId: 'c', session: 7, master: 'h:1' },
  ...{ connected: false, standingMs: 12_000, silentMs: 0, dirtyBytes: 2048, lostBytes: 0, errorsUntold: 0 },
  ...{ openInodes: 1, waitCount: 3, operationCount: 2 },
  operations: [
    { operation: 'READ', ageMs: 9000, ino: 5, pid: 1 },
    { operation: 'LOOKUP', ageMs: 3, ino: 1, pid: 1 },
  ],
  waits: [
    { what: 'lookup', waitsFor: 'master', ageMs: 9000, leftMs: 21_000, ino: 1 as Ino },
    { what: 'lookup', waitsFor: 'master', ageMs: 8000, leftMs: 22_000, ino: 1 as Ino },
    {
      what: 'read',
      waitsFor: 'replicas',
      ageMs: 7000,
      ino: 5 as Ino,
      index: 2,
      servers: ['h:2', 'h:3'],
      reason: 'gone',
    },
  ],
}
const mount: AskedMount = {
  mountPoint: '/mnt/a',
  device: '0:5',
  source: 'leasefs@h:1',
  uid: 0,
  attached: true,
  standing: 'answers',
  state,
}
const users = async () => [{ pid: 1, how: 'open file', path: '/mnt/a/file', ino: 5 } as const]

t.test('each mount has a row, and what waits is said with its age, its file, and what for', async t => {
  const text = await mountsText([mount], users)
  t.match(text, /^\/mnt\/a +leasefs@h:1 +master away for 12 s +2 +2\.0 KiB$/m)
  t.match(text, /^ {2}9\.0 s {2}read \/mnt\/a\/file of process 1/m)
  t.notMatch(text, /LOOKUP|lookup inode/, 'nothing that has just begun')
  t.match(text, /^ {2}9\.0 s, 21 s left {2}the master at h:1, which is away: lookup of inode 1 \(2 times\)$/m)
  t.match(
    text,
    /^ {2}7\.0 s {2}a replica of chunk that can be read \(h:2, h:3\), to read chunk 2 of \/mnt\/a\/file: gone$/m,
  )
})

t.test('a mount where nothing waits has its row only', async t => {
  const idle = { ...state, connected: true, operations: [], waits: [] }
  const text = await mountsText([{ ...mount, state: idle }], users)
  t.equal(text.split('\n').length, 2)
  t.match(await mountsText([{ ...mount, attached: false, state: idle }], users), /\/mnt\/a \(detached\)/)
})

t.test('a mount that can not answer says why', async t => {
  t.match(standingText({ ...mount, standing: 'stopped' }), /is stopped/)
  t.match(standingText({ ...mount, standing: 'silent', reason: 'late' }), /does not answer: late/)
  t.match(standingText({ ...mount, standing: 'gone' }), /^dead/)
  t.match(standingText({ ...mount, standing: 'starting' }), /another is being started/)
  t.match(standingText({ ...mount, standing: 'unknown', uid: 7 }), /user 7/)
  const lossy = { ...state, connected: true, lostBytes: 1024, errorsUntold: 2, silentMs: 5000 }
  t.match(standingText({ ...mount, state: lossy }), /silent for 5\.0 s, 2 errors not told yet, 1\.0 KiB lost/)
})

t.test('ages are short', async t => {
  t.same([400, 12_000, 200_000, 9_000_000].map(ageText), ['0.4 s', '12 s', '3 min', '3 h'])
})
