// Claims 8 and 19: the serial numbers given by the primary fix the order in
// which the secondaries apply, also when two clients write one region at once.

import { readdirSync, readFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { KiB } from '../../src/base/units.js'
import { dataStart } from '../../src/chunkserver/store/chunk-format.js'
import { type Cluster, cannotMount, startCluster } from '../cluster/harness.js'
import { serialsOf, tell, writeThrough } from './story.js'

const rounds = 60
const length = 48 * KiB + 123

t.test('two clients write one region at once: all replicas end with the same bytes', { skip: cannotMount }, async t => {
  const cluster = await startCluster(t, { mounts: 2 })
  const file = join(cluster.mountPoint, 'shared')
  await writeThrough(file, Buffer.alloc(length, '.'))

  const writers = cluster.mountPoints.map(async (mountPoint, i) => {
    const handle = await open(join(mountPoint, 'shared'), 'r+')
    for (let round = 0; round < rounds; round++) {
      await handle.write(Buffer.alloc(length, `${'ab'[i]}${round};`), 0, length, 0)
      await handle.sync()
    }
    await handle.close()
  })
  await Promise.all(writers)

  const story = await tell(cluster, file)
  const servers = [story.primary, ...story.secondaries]
  t.test('serial numbers are dense, and equal on all replicas', async t => {
    const [reference] = servers.map(server => serialsOf(story.events, story.chunk, server))
    t.ok((reference?.length ?? 0) > 2 * rounds, 'every write, and every sync')
    for (const server of servers) {
      const serials = serialsOf(story.events, story.chunk, server)
      t.same(
        serials,
        serials.map((_, i) => i + 1),
        `${server}: dense from 1`,
      )
      t.same(
        mutationsOf(story, server),
        mutationsOf(story, story.primary),
        `${server}: the same mutation under each number`,
      )
    }
  })

  t.test('both clients were heard', async t => {
    const clients = new Set(mutationsOf(story, story.primary).map(id => id.split(':')[0]))
    t.equal(clients.size, 2)
  })

  t.test('the replicas are byte for byte the same, and what a reader sees', async t => {
    const images = cluster.chunkservers.map((_, i) => replicaBytes(cluster, i, story.chunk.handle))
    const [reference] = images
    t.equal(reference?.length, length)
    for (const image of images) t.ok(reference && image.equals(reference))
    t.ok(reference && readFileSync(file).equals(reference))
  })
})

function mutationsOf(story: Awaited<ReturnType<typeof tell>>, server: string): string[] {
  return story.events
    .filter(({ event, who, handle }) => event === 'apply.done' && who === server && handle === story.chunk.handle)
    .map(({ dataId }) => String(dataId))
}

/** The data part of a replica's file (docs/FORMAT.md). */
function replicaBytes(cluster: Cluster, server: number, handle: string): Buffer {
  const root = cluster.dataOf(server)
  const names = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter(name => name.includes(handle))
  const [name] = names
  if (name === undefined) throw new Error(`no file of ${handle} in ${root}`)
  return readFileSync(join(root, name)).subarray(dataStart)
}
