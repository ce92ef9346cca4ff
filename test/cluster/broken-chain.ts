// The chain along which data is pushed breaks in the middle of a push: whoever
// pushes learns where, and the servers behind get the data all the same.

import { randomBytes } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { MiB } from '../../src/base/units.js'
import { type Cluster, cannotMount, startCluster, until } from './harness.js'

/** The servers of a file's only chunk in the order in which the mount pushes to them, by number, and the primary. */
async function chainOf(cluster: Cluster, file: string): Promise<{ chain: number[]; primary: number }> {
  await writeFile(file, randomBytes(MiB), { flush: true })
  const { servers } = await cluster.status()
  const { chunks } = await cluster.locate(file)
  const numberOf = (id?: string) => cluster.chunkservers.findIndex((_, i) => cluster.serverId(i) === id)
  const addresses = cluster.events('push.start').at(-1)?.chain as string[]
  const chain = addresses.map(address => servers.find(({ dataAddress }) => dataAddress === address)?.serverId)
  return { chain: chain.map(numberOf), primary: numberOf(chunks[0]?.lease?.primary) }
}

t.test('data gets past a server in the chain that dies or falls silent', { skip: cannotMount }, async t => {
  const cluster = await startCluster(t, { masterArgs: ['--repair-delay', '1s'] })
  let file = ''
  let [first, middle, last] = [0, 0, 0]
  for (let n = 0; n < 20; n++) {
    file = join(cluster.mountPoint, `file-${n}`)
    const { chain, primary } = await chainOf(cluster, file)
    ;[first = 0, middle = 0, last = 0] = chain
    if (primary !== middle) break
  }
  const { servers } = await cluster.status()
  const dataAddress = (i: number) => servers.find(({ serverId }) => serverId === cluster.serverId(i))?.dataAddress ?? ''
  const content = randomBytes(6 * MiB)

  /** Writes while the middle does nothing; `then` is what becomes of it when it is owed bytes of a push. */
  const writePast = async (what: string, then: () => Promise<unknown>) => {
    const from = cluster.trace().length
    const since = (event: string) =>
      cluster
        .trace()
        .slice(from)
        .filter(line => line.event === event)
    await cluster.chunkservers[middle]?.kill('SIGSTOP')
    const written = writeFile(file, content, { flag: 'r+', flush: true })
    const begun = () => since('push.forward.first').some(({ to }) => to === dataAddress(middle))
    await until(`the first forwards to the one that ${what}`, begun)
    await then()
    await written
    const pushes = since('push.start')
    const broken = pushes.filter(({ chain }) => (chain as string[]).length === 3)
    const cut = (dataId?: string) => pushes.filter(push => push.dataId === dataId).map(push => String(push.chain))
    const parts = [dataAddress(middle), dataAddress(last)]
    const retried = broken.filter(({ dataId }) => parts.every(part => cut(dataId).includes(part)))
    t.ok(retried.length > 0, `the broken link was named, and both sides of it were tried, when it ${what}`)
    for (const { dataId } of broken) {
      const received = since('push.received').filter(line => line.dataId === dataId)
      const has = (i: number) => received.some(({ who }) => who === cluster.serverId(i))
      t.ok(has(first) && has(last), `${dataId} is on both sides of the one that ${what}`)
    }
  }

  await writePast('falls silent', async () => {})
  await cluster.chunkservers[middle]?.kill('SIGCONT')
  await until('it has its replica again', async () => (await cluster.status()).chunksBelowGoal === 0)
  content.reverse()
  await writePast('dies', async () => await cluster.chunkservers[middle]?.kill())

  await cluster.chunkservers[first]?.kill()
  await cluster.mounts[0]?.restart()
  t.ok((await readFile(file)).equals(content), 'the last has everything')
})
