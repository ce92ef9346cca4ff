// Claims 10, 18, 13 and 17: the master grants the lease to one of the replicas
// when none is in force, and tells who the primary and secondaries are and where.

import { join } from 'node:path'
import t from 'tap'
import { KiB } from '../../src/base/units.js'
import { cannotMount, leasefs, startCluster } from '../cluster/harness.js'
import { eventsOf, tell, writeFileStory, writeThrough } from './story.js'

t.test('a chunk without a lease gets one, and everyone is told the same', { skip: cannotMount }, async t => {
  const cluster = await startCluster(t, { mounts: 2 })
  const story = await writeFileStory(cluster, 'file', 64 * KiB)
  const members = story.chunk.replicas.map(({ serverId }) => serverId).sort()

  t.test('the lease is granted to one of the replicas', async t => {
    const grants = eventsOf(story, 'lease.grant')
    t.equal(grants.length, 1)
    t.equal(grants[0]?.to, story.primary)
    t.ok(members.includes(story.primary))
    t.same([story.primary, ...story.secondaries].sort(), members, 'the others are the secondaries')
  })

  t.test('the reply names primary, secondaries and their addresses', async t => {
    const [reply] = eventsOf(story, 'locate.reply').filter(({ forWrite }) => forWrite)
    t.equal(reply?.primary, story.primary)
    t.same(reply?.secondaries, story.secondaries)
    t.same([...((reply?.replicas ?? []) as string[])].sort(), members)
    t.same(
      [...((reply?.addresses ?? []) as string[])].sort(),
      story.chunk.replicas.map(({ dataAddress }) => dataAddress).sort(),
    )
  })

  t.test('while the lease is in force, another client is told its holder', async t => {
    await writeThrough(join(cluster.mountPoints[1] ?? '', 'file'), Buffer.from('another'))
    const after = await tell(cluster, story.file)
    t.equal(eventsOf(after, 'lease.grant').length, 1, 'no second grant')
    const replies = eventsOf(after, 'locate.reply').filter(({ forWrite }) => forWrite)
    t.ok(new Set(replies.map(({ to }) => to)).size > 1, 'two clients asked')
    for (const reply of replies) {
      t.equal(reply.primary, story.primary)
      t.equal(reply.leaseId, story.chunk.lease?.leaseId)
    }
  })

  t.test('leasefs locate shows it to people', async t => {
    const text = await leasefs('locate', story.file)
    t.match(text, story.chunk.handle)
    for (const { serverId } of story.chunk.replicas) t.match(text, serverId.slice(0, 8))
  })
})
