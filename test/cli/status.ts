import t from 'tap'
import { statusJson, statusText } from '../../src/cli/status.js'
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
    },
    {
      server: { serverId: 's2', controlAddress: 'h:3', dataAddress: 'h:4', location: '/a/b/d' },
      connected: false,
      totalBytes: 0,
      freeBytes: 0,
      replicas: 0,
      leases: 0,
      silentMs: 7400,
    },
  ],
  inodes: 5,
  chunks: 4,
  chunksBelowGoal: 1,
  chunksMissing: 0,
  leasesInForce: 3,
  clients: 1,
  goal: 3,
}

t.test('status shows the figures of the cluster and a row for each server', async t => {
  const text = statusText(reply)
  t.match(text, /^cluster: +c1$/m)
  t.match(text, /^below goal: +1$/m)
  t.match(text, /^s1 +connected +\/a\/b\/c +h:1 +h:2 +12 +3 +1\.0 GiB +1\.0 TiB$/m)
  t.match(text, /^s2 +silent for 7 s +/m)
  t.match(statusText({ ...reply, servers: [] }), /no chunkservers$/)
})

t.test('status for programs has each figure under its name', async t => {
  const { servers, ...rest } = JSON.parse(statusJson(reply))
  t.match(rest, { clusterId: 'c1', goal: 3, chunks: 4, chunksBelowGoal: 1, leasesInForce: 3 })
  t.match(servers[0], { serverId: 's1', location: '/a/b/c', connected: true, freeBytes: 2 ** 30, replicas: 12 })
})
