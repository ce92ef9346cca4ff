// Claims 1, 14, 16 and 2, 3, 4: data reach all replicas by topology, whoever is
// primary; the control signal travels apart from them.

import t from 'tap'
import { cannotMount, startCluster } from '../cluster/harness.js'
import { dataAddressOf, eventsOf, pushesOf, serverAt, storyWith } from './story.js'

// From the mount: near is on its host, middle in its rack's neighbour, far in another data center.
const near = '/dc1/rack1/host1'
const middle = '/dc1/rack2/host2'
const far = '/dc2/rack3/host3'

t.test(
  'data go from the nearest replica to the farthest, also when the nearest is not the primary',
  {
    skip: cannotMount,
  },
  async t => {
    const cluster = await startCluster(t, { locations: [far, near, middle], mountLocations: [near] })
    const story = await storyWith(cluster, told => serverAt(told, near) !== told.primary)
    const [first, second, third] = [near, middle, far].map(location => serverAt(story, location)) as [
      string,
      string,
      string,
    ]
    t.not(story.primary, first, 'the primary is not the nearest')

    t.test('the first push goes to the nearest, and each forwards to the nearest of the rest', async t => {
      for (const dataId of pushesOf(story)) {
        const hops = story.events.filter(
          ({ event, dataId: id }) => id === dataId && (event === 'push.start' || event === 'push.forward.first'),
        )
        // Who gave the bytes to whom; the clocks of two processes may differ by more than a hop takes.
        t.same(
          hops.map(({ event, who, to }) => `${event} ${who.startsWith('client:') ? 'client' : who} ${to}`).sort(),
          [
            `push.start client ${dataAddressOf(story, first)}`,
            `push.forward.first ${first} ${dataAddressOf(story, second)}`,
            `push.forward.first ${second} ${dataAddressOf(story, third)}`,
          ].sort(),
          `push ${dataId}`,
        )
      }
    })

    t.test('every replica receives the bytes of every push', async t => {
      for (const dataId of pushesOf(story)) {
        const received = eventsOf(story, 'push.received').filter(line => line.dataId === dataId)
        t.same(received.map(({ who }) => who).sort(), [first, second, third].sort(), `push ${dataId}`)
      }
    })

    t.test(
      'the control signal goes from the client to the primary alone, past the replica that got the data',
      async t => {
        const commits = eventsOf(story, 'commit.sent')
        t.ok(commits.length > 0)
        for (const commit of commits) t.equal(commit.to, story.primary)
        t.same([...new Set(eventsOf(story, 'commit.received').map(({ who }) => who))], [story.primary])
        t.not(dataAddressOf(story, story.primary), eventsOf(story, 'push.start')[0]?.to, 'two ways, two destinations')
      },
    )
  },
)
