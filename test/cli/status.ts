import t from 'tap'
import { filesOf, statusFields, statusJson, statusText } from '../../src/cli/status.js'
import type { StatusReply } from '../../src/wire/gen/admin.js'

const reply: StatusReply = {
  clusterId: 'c1',
  servers: [
    {
      server: { serverId: 's1', controlAddress: 'h:1', dataAddress: 'h:2', location: '/a/b/c' },
      connected: true,
      totalBytes: 2 ** 40,
      freeBytes: 2 ** 30,
      replicas: 12,
      leases: 3,
      silentMs: 40,
      draining: true,
      maintenanceMs: 0,
      seenLaterMaster: false,
    },
    {
      server: { serverId: 's2', controlAddress: 'h:3', dataAddress: 'h:4', location: '/a/b/d' },
      connected: false,
      totalBytes: 0,
      freeBytes: 0,
      replicas: 0,
      leases: 0,
      silentMs: 7400,
      draining: false,
      maintenanceMs: 0,
      seenLaterMaster: false,
    },
  ],
  inodes: 5,
  chunks: 4,
  chunksBelowGoal: 1,
  chunksMissing: 0,
  leasesInForce: 3,
  clients: 1,
  goal: 3,
  repair: undefined,
  trash: undefined,
  disk: undefined,
  unknownReplicas: 0,
  damagedChunks: 0,
  damaged: [],
}

t.test('status shows the figures of the cluster and a row for each server', async t => {
  const text = statusText(reply)
  t.match(text, /^cluster: +c1$/m)
  t.match(text, /^below goal: +1 \(--files names the files\)$/m)
  t.match(text, /^missing: +0$/m)
  t.match(text, /^s1 +connected, draining +\/a\/b\/c +h:1 +h:2 +12 +3 +1\.0 GiB +1\.0 TiB$/m)
  t.match(text, /^s2 +silent for 7 s +/m)
  t.match(statusText({ ...reply, servers: [] }), /no chunkservers$/)
})

t.test('status says why the master takes no changes', async t => {
  const figures = { freeBytes: 2 ** 20, totalBytes: 2 ** 30, journalBytes: 5, lastIndex: 7, snapshotIndex: 0 }
  const well = { code: '', message: '', restart: false, onlyGrowth: false, ...figures }
  const line = (disk: StatusReply['disk']) => /^master: .*$/m.exec(statusText({ ...reply, disk }))?.[0]
  t.equal(line(well), undefined)
  const full = { ...well, code: 'NO_SPACE', message: 'no space left on device' }
  t.equal(line(full), 'master:     is read-only: no space left on device, 1.0 MiB free on its disk')
  t.match(line({ ...full, onlyGrowth: true }), /takes nothing new: /)
  t.match(line({ ...full, code: 'IO', restart: true }), /is read-only until it is restarted: /)
})

t.test('status for programs has each figure under its name', async t => {
  const { servers, ...rest } = JSON.parse(statusJson(statusFields(reply)))
  t.match(rest, { clusterId: 'c1', goal: 3, chunks: 4, chunksBelowGoal: 1, leasesInForce: 3 })
  t.match(servers[0], { serverId: 's1', location: '/a/b/c', connected: true, freeBytes: 2 ** 30, replicas: 12 })
})

t.test('status says what is being copied, what waits, and who is in maintenance', async t => {
  const repair = {
    ...{
      queued: 7,
      repairs: 2,
      drains: 1,
      rebalances: 0,
      bytesPerSecond: 3 * 1024 ** 2,
      waitsMs: 41_200,
      withoutTarget: 4,
    },
    ...{ copiedReplicas: 0, copiedBytes: 0, failedCopies: 0, draining: [], rebalance: undefined },
  }
  const [first, second] = reply.servers
  if (!first || !second) throw new Error('two servers')
  const text = statusText({ ...reply, repair, servers: [first, { ...second, maintenanceMs: 90_000 }] })
  t.match(text, /^copying: +3 under way, 7 queued, 3.0 MiB\/s, waiting 42 s for servers to come back$/m)
  t.match(text, /^no target: +4 chunks below goal/m)
  t.match(text, /^s2 +in maintenance, 90 s left /m)
})

t.test('what a person must decide on is said', async t => {
  const servers = reply.servers.map(server => ({ ...server, seenLaterMaster: true }))
  const text = statusText({ ...reply, servers, unknownReplicas: 7 })
  t.match(text, /^unknown: +7 replicas of chunks whose records may be lost/m)
  t.match(text, /^older copy: 2 servers have seen a later master/m)
  t.match(text, /connected, has seen a later master/)
  t.notMatch(statusText(reply), /unknown|older/)
})

t.test('damage is shown, and which files have lost blocks', async t => {
  const chunk = { ino: 77, index: 3, handle: 5, replicas: 3, blocks: 2, lost: true }
  const text = statusText({ ...reply, damagedChunks: 2, damaged: [chunk, { ...chunk, ino: 78, lost: false }] })
  t.match(text, /^damaged: +2 chunks have blocks that are being restored$/m)
  t.match(text, /^lost: +2 blocks of chunk 3 of inode 77: no replica has them$/m)
  t.notMatch(text, /inode 78/)
  t.notMatch(statusText(reply), /damaged|lost/)
})

t.test('what scrubbers have found, and disks that take nothing, are shown', async t => {
  const scrub = {
    ...{ bytesPerSecond: 4 * 1024 ** 2, running: true, percent: 41, lastPassMs: 1_700_000_000_000, foundBlocks: 3 },
    ...{ mendedBlocks: 2, goneReplicas: 1, strangeFiles: 4, verifiedBytes: 0 },
  }
  const [first, second] = reply.servers
  if (!first || !second) throw new Error('two servers')
  const disk = { code: 'NO_SPACE', message: 'full' }
  const servers = [
    { ...first, draining: false, scrub, disk },
    { ...second, connected: true, disk: { ...disk, code: 'IO' } },
  ]
  const text = statusText({ ...reply, servers })
  t.match(text, /^scrub: +s1 41% verified, 4\.0 MiB\/s; all verified at 2023-11-14T22:13:20Z; 3 damaged blocks found/m)
  t.match(text, /2 restored; 1 replica files were gone; 4 files nobody knows$/m)
  t.match(text, /^s1 +connected, disk full /m)
  t.match(text, /^s2 +connected, disk failing /m)
})

t.test('the trash is shown where there is one', async t => {
  const trash = { files: 3, bytes: 2048, retentionMs: 1000, bytesMax: 0 }
  t.match(statusText({ ...reply, trash }), /^trash: +3 files, 2\.0 KiB$/m)
  t.notMatch(statusText({ ...reply, trash: { ...trash, files: 0, retentionMs: 0 } }), /trash/)
})

t.test('status names the files that are hit, the worst first', async t => {
  const [a, b] = [Buffer.from('/a'), Buffer.from('/b')]
  const files = filesOf([
    { kind: 'below-goal', ino: 7, path: a },
    { kind: 'below-goal', ino: 8, path: b },
    { kind: 'no-replica', ino: 8, path: b },
    { kind: 'surplus-replica', ino: 9, path: b },
  ])
  t.same(files, [
    { ino: 8, path: '/b', chunksMissing: 1, chunksBelowGoal: 1 },
    { ino: 7, path: '/a', chunksMissing: 0, chunksBelowGoal: 1 },
  ])
  const text = statusText(reply, files)
  t.match(text, /^below goal: +1$/m)
  t.match(text, /^ +1 +1 +8 +\/b\n +0 +1 +7 +\/a$/m)
  t.same(JSON.parse(statusJson(statusFields(reply, files))).files, files)
  t.match(statusText(reply, []), /\n\nno file is hit$/)
})
