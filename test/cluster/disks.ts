// Disks of chunkservers that are full or fail, under a mount that is written to
// and read from.

import { randomBytes } from 'node:crypto'
import { appendFile, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { MiB } from '../../src/base/units.js'
import { type Cluster, cannotMount, startCluster, until } from './harness.js'

/** The numbers of the servers with a good replica of the file's first chunk, its primary first. */
async function holders(cluster: Cluster, file: string): Promise<number[]> {
  const { chunks } = await cluster.locate(file)
  const primary = chunks[0]?.lease?.primary
  const current = (chunks[0]?.replicas ?? []).filter(({ stale }) => !stale).map(({ serverId }) => serverId)
  current.sort((a, b) => Number(b === primary) - Number(a === primary))
  return current.map(id => cluster.chunkservers.findIndex((_, i) => cluster.serverId(i) === id))
}

async function troubleOf(cluster: Cluster, server: number): Promise<string | undefined> {
  const { servers } = await cluster.status()
  return servers.find(({ serverId }) => serverId === cluster.serverId(server))?.disk?.code
}

t.test('a full or failing disk among four is noticed by nobody who writes or reads', { skip: cannotMount }, async t => {
  const cluster = await startCluster(t, { chunkservers: 4, faults: true, masterArgs: ['--repair-delay', '1s'] })
  const file = join(cluster.mountPoint, 'file')
  const write = async (flag = 'r+') => {
    const bytes = randomBytes(3 * MiB)
    await writeFile(file, bytes, { flag, flush: true })
    t.ok((await readFile(file)).subarray(0, bytes.length).equals(bytes), 'what was written is read')
  }
  await write('w')
  for (const { which, place, code } of [
    { which: 'primary', place: 0, code: 'IO' },
    { which: 'secondary', place: 1, code: 'NO_SPACE' },
  ]) {
    const server = (await holders(cluster, file))[place] ?? 0
    cluster.setFaults(server, { write: { code }, sync: { code }, create: { code } })
    await write()
    const what = `the ${which} whose disk says ${code}`
    await until(`the master knows of ${what}`, async () => (await troubleOf(cluster, server)) === code)
    await until(`another server has the chunk instead of ${what}`, async () => {
      const now = await holders(cluster, file)
      return now.length === 3 && !now.includes(server)
    })
    const other = join(cluster.mountPoint, `new-${which}`)
    await writeFile(other, 'a new file')
    t.notOk((await holders(cluster, other)).includes(server), 'it gets no new chunks')
    cluster.setFaults(server, {})
    await until(`${what} is well again`, async () => (await troubleOf(cluster, server)) === undefined)
  }

  // The primary has no room for more, and others have.
  await write()
  const [full = 0] = await holders(cluster, file)
  cluster.setFaults(full, { freeBytes: 0 })
  await until('the disk of the primary is full', async () => {
    const { servers } = await cluster.status()
    return servers.some(({ serverId, freeBytes }) => serverId === cluster.serverId(full) && freeBytes === 0)
  })
  const more = randomBytes(MiB)
  await appendFile(file, more, { flush: true })
  t.ok((await readFile(file)).subarray(-MiB).equals(more), 'the file grows')
  t.notOk((await holders(cluster, file)).includes(full))
  cluster.setFaults(full, {})

  // Replicas cannot be given their new version, and are left out.
  await until('the chunk has three replicas again', async () => (await holders(cluster, file)).length === 3)
  const [, secondary = 0, third = 0] = await holders(cluster, file)
  cluster.setFaults(third, { setVersion: { code: 'IO' } })
  cluster.setFaults(secondary, { write: { code: 'IO', torn: true } })
  await write()
  const left = await holders(cluster, file)
  t.notOk(left.includes(secondary) || left.includes(third), 'what is left has everything')
  for (const server of [secondary, third]) cluster.setFaults(server, {})

  // No server can take it: the program is told.
  for (const server of cluster.chunkservers.keys()) cluster.setFaults(server, { freeBytes: 0 })
  await until('all disks are full', async () => {
    const { servers } = await cluster.status()
    return servers.every(({ freeBytes }) => freeBytes === 0)
  })
  const refused = await writeFile(join(cluster.mountPoint, 'too-much'), randomBytes(MiB)).catch(reason => reason.code)
  t.equal(refused, 'ENOSPC')
  for (const server of cluster.chunkservers.keys()) cluster.setFaults(server, {})
  await until('there is room again', async () => {
    return await writeFile(join(cluster.mountPoint, 'fits'), 'x').then(
      () => true,
      () => false,
    )
  })
  await write()
})
