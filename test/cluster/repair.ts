// Replicas that are missing, in the wrong place, or not wanted: made, moved and
// removed by real daemons, while the file stays readable and the same.

import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { cannotMount, leasefs, startCluster, until } from './harness.js'

const dataStart = 24_576

t.test('replicas are repaired, moved and counted as operators say', { skip: cannotMount }, async t => {
  const cluster = await startCluster(t, { chunkservers: 4, masterArgs: ['--repair-delay', '1s'] })
  const file = join(cluster.mountPoint, 'file')
  const content = randomBytes(3_000_000)
  writeFileSync(file, content)
  execFileSync('sync', [file])

  const chunk = async () => {
    const [only] = (await cluster.locate(file)).chunks
    if (!only) throw new Error('no chunk')
    return { ...only, current: only.replicas.filter(({ stale }) => !stale).map(({ serverId }) => serverId) }
  }
  const replicasAre = async (count: number, what: string, without?: string) => {
    await until(what, async () => {
      const { current } = await chunk()
      return current.length === count && !current.includes(without ?? '')
    })
    const { handle, current } = await chunk()
    const name = `${handle}.chunk`
    for (const [index] of cluster.chunkservers.entries()) {
      if (!current.includes(cluster.serverId(index))) continue
      const path = join(cluster.dataOf(index), 'chunks', handle.slice(14), name)
      if (!readFileSync(path).subarray(dataStart).equals(content)) t.fail(`a replica differs: ${what}`)
    }
    t.ok(readFileSync(file).equals(content), what)
  }
  const indexOf = (serverId: string) =>
    cluster.chunkservers.findIndex((_, index) => cluster.serverId(index) === serverId)
  await replicasAre(3, 'three to begin with')

  // A primary of a moment ago is killed: its replica is made on the server that has none.
  const [first = ''] = (await chunk()).current
  const lost = cluster.chunkservers[indexOf(first)]
  await lost?.kill()
  t.match(await leasefs('repair', first, '--master', cluster.masterAddress), /repair begins/)
  await replicasAre(3, 'a killed server is replaced', first)
  await lost?.start()

  // Stopped in an orderly way, and started again: nothing is copied.
  const copied = async () =>
    ((await cluster.status()) as { repair?: { copiedReplicas: number } }).repair?.copiedReplicas
  const before = await copied()
  const [second = ''] = (await chunk()).current
  await cluster.chunkservers[indexOf(second)]?.stop()
  await until('its absence is seen', async () => (await chunk()).current.length === 2)
  await cluster.chunkservers[indexOf(second)]?.start()
  await replicasAre(3, 'a server that was restarted counts again')
  t.equal(await copied(), before, 'and nothing was copied')

  t.match(
    await leasefs('drain', second.slice(0, 8), '--master', cluster.masterAddress),
    /is empty and may be taken away/,
  )
  await replicasAre(3, 'a server is emptied', second)
  t.match(await leasefs('status', '--master', cluster.masterAddress), /draining/)
  await leasefs('drain', second, '--undo', '--master', cluster.masterAddress)

  t.match(await leasefs('goal', file), /goal 3/)
  t.match(await leasefs('goal', '4', file), /goal 4; 1 changed/)
  await replicasAre(4, 'a goal is raised')
  t.match(await leasefs('goal', '-r', '2', cluster.mountPoint), /new files have goal 2; 2 changed/)
  t.match(JSON.parse(await leasefs('goal', '--json', file)), { goal: 2, changed: 0 })
  writeFileSync(join(cluster.mountPoint, 'later'), 'x')
  t.equal((await cluster.locate(join(cluster.mountPoint, 'later'))).chunks[0]?.replicas.length, 2)

  t.match(await leasefs('rebalance', '--master', cluster.masterAddress), /servers are/)
  t.ok(readFileSync(file).equals(content))
  await t.rejects(leasefs('drain', 'nobody', '--master', cluster.masterAddress), /no server is called "nobody"/)
  await t.rejects(leasefs('goal', '0', file), /a goal is a number from 1 to 9/)
  await t.rejects(leasefs('repair', second, '--master', cluster.masterAddress), /is connected/)
})
