// Claims 7, 15, 9 and 22: the commit goes to the primary, which forwards it to
// the secondaries, and success is answered when all have applied.

import t from 'tap'
import { KiB } from '../../src/base/units.js'
import { cannotMount, startCluster, until } from '../cluster/harness.js'
import { dataAddressOf, dataIdsOf, eventsOf, pushesOf, tell, writeFileStory, writeThrough } from './story.js'

/** Well within the server lease, after which the master would drop a silent server. */
const heldBackMs = 1_200

t.test('one write, seen from all sides', { skip: cannotMount }, async t => {
  const cluster = await startCluster(t)
  const story = await writeFileStory(cluster, 'file')

  t.test('the primary forwards every mutation to every secondary', async t => {
    t.ok(eventsOf(story, 'commit.received').every(({ who }) => who === story.primary))
    const sent = eventsOf(story, 'apply.sent')
    t.ok(sent.length > 0)
    for (const line of sent) {
      t.equal(line.who, story.primary, 'the primary sends')
      t.ok(story.secondaries.includes(String(line.to)), 'a secondary gets')
    }
    for (const secondary of story.secondaries) {
      const received = eventsOf(story, 'apply.received').filter(({ who }) => who === secondary)
      for (const dataId of pushesOf(story)) {
        t.ok(
          received.some(line => dataIdsOf(line).includes(dataId)),
          `${secondary} is told to apply ${dataId}`,
        )
      }
    }
  })

  t.test('the client asks, gets locations, pushes to the closest, and signals the primary', async t => {
    const client = eventsOf(story, 'push.start')[0]?.who ?? ''
    t.match(client, /^client:\d+$/)
    const ino = (await cluster.locate(story.file)).ino
    const trace = cluster.trace()
    const at = (what: string, fits: (line: (typeof trace)[number]) => boolean) => {
      const index = trace.findIndex(fits)
      t.ok(index >= 0, what)
      return index
    }
    const steps = [
      at('asks the master', line => line.event === 'locate.ask' && line.who === client && line.ino === ino),
      at('gets locations', line => line.event === 'locate.reply' && line.handle === story.chunk.handle),
      at('pushes', line => line.event === 'push.start' && pushesOf(story).includes(String(line.dataId))),
      at('the primary gets the signal', line => line.event === 'commit.received' && line.handle === story.chunk.handle),
      at('the primary answers', line => line.event === 'commit.reply' && line.handle === story.chunk.handle),
    ]
    t.same(
      steps,
      [...steps].sort((a, b) => a - b),
      'in this order',
    )
    const reply = trace[steps[1] ?? 0]
    t.equal(reply?.primary, story.primary)
    t.same(reply?.secondaries, story.secondaries)
    const [push] = eventsOf(story, 'push.start')
    t.ok(story.chunk.replicas.some(({ serverId }) => dataAddressOf(story, serverId) === push?.to))
  })
})

t.test('no success is answered before the last secondary has applied', { skip: cannotMount }, async t => {
  const cluster = await startCluster(t)
  const { file, secondaries } = await writeFileStory(cluster, 'file', 64 * KiB)
  const [held] = secondaries
  const daemon = cluster.chunkservers.find((_, i) => cluster.serverId(i) === held)
  if (!daemon) throw new Error(`no daemon of ${held}`)

  const before = cluster.events('commit.reply').length
  await daemon.kill('SIGSTOP')
  let answered = false
  const write = writeThrough(file, Buffer.alloc(64 * KiB, 'later')).then(() => {
    answered = true
  })
  await until('the primary has the commit', () => cluster.events('commit.received').length > before)
  await new Promise(resolve => setTimeout(resolve, heldBackMs))
  t.equal(answered, false, 'the write waits as long as the secondary is held back')
  t.equal(cluster.events('commit.reply').length, before, 'the primary has answered nothing')

  await daemon.kill('SIGCONT')
  await write
  const story = await tell(cluster, file)
  t.same([...story.secondaries].sort(), [...secondaries].sort(), 'the secondary that was held back is still one')
  const replies = eventsOf(story, 'commit.reply')
  t.ok(replies.length > before)
  for (const { serial, t: repliedAt } of replies) {
    const done = eventsOf(story, 'apply.done').filter(line => line.serial === serial)
    t.equal(done.length, 3, `three replicas apply mutation ${serial}`)
    t.ok(
      done.every(line => line.t <= repliedAt),
      'and then it is answered',
    )
  }
})
