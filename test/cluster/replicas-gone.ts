// All servers with a replica of a chunk are gone: who needs the chunk waits, and
// is told in time; it is said which files are hit; and they come back with the servers.

import { randomBytes } from 'node:crypto'
import { type FileHandle, mkdir, open, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { type Cluster, cannotMount, Daemon, leasefs, startCluster, until } from './harness.js'

const timeoutMs = 4000
/** What a machine that is busy may add to a wait. */
const slackMs = 1500
const fileBytes = 300_000

/** The numbers of the servers that have a file's only chunk. */
async function holders(cluster: Cluster, file: string): Promise<number[]> {
  const { chunks } = await cluster.locate(file)
  const names = chunks.flatMap(({ replicas }) => replicas).map(({ serverId }) => serverId)
  return names.map(name => cluster.chunkservers.findIndex((_, i) => cluster.serverId(i) === name))
}

/** What a call came to: its result, or the code of its error, and how long it took. */
async function outcomeOf<T>(call: () => Promise<T>): Promise<{ readonly result: T | string; readonly ms: number }> {
  const began = performance.now()
  const result = await call().catch((reason: NodeJS.ErrnoException) => reason.code ?? String(reason))
  return { result, ms: performance.now() - began }
}

async function contentOf(file: FileHandle): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(fileBytes), 0, fileBytes, 0)
  return buffer.subarray(0, bytesRead)
}

t.test('a file whose servers are all gone comes back with them', { skip: cannotMount }, async t => {
  const cluster = await startCluster(t, { goal: 2, masterArgs: ['--repair-delay', '1s'] })
  const patient = cluster.mountPoint
  const impatient = join(cluster.directory, 'impatient')
  await mkdir(impatient)
  const args = [impatient, '--master', cluster.masterAddress, '--timeout', `${timeoutMs}ms`, '--log-level', 'error']
  const mount = new Daemon('impatient', 'leasefs-mount', () => args)
  t.teardown(() => mount.stop())
  await mount.start()
  const content = randomBytes(fileBytes)
  // Each of them by one mount, to be read by the other: who has written it has it in its cache.
  const gone: string[] = []
  let there = ''
  let lost: readonly number[] = []
  const goneBy = (who: string) => gone.find(name => name.startsWith(who))
  for (let n = 0; n < 60 && !(goneBy('patient') && goneBy('impatient') && there); n++) {
    const name = n % 2 === 0 ? `patient-${n}` : `impatient-${n}`
    await writeFile(join(n % 2 === 0 ? patient : impatient, name), content, { flush: true })
    const servers = await holders(cluster, join(patient, name))
    if (n === 0) lost = servers
    if (servers.every(server => lost.includes(server))) gone.push(name)
    else there = name
  }
  const [first = '', second = ''] = [goneBy('patient'), goneBy('impatient')]
  t.ok(first && second && there, 'some are on two servers, and some are not')
  const opened = async (mount: string, name: string) => {
    const file = await open(join(mount, name), 'r+')
    t.teardown(() => file.close().catch(() => {}))
    return file
  }
  const toRead = await opened(impatient, first)
  const toWrite = await opened(impatient, second)
  const toWaitFor = await opened(patient, second)
  const remaining = await opened(impatient, there)

  for (const server of lost) await cluster.chunkservers[server]?.kill()
  const read = outcomeOf(() => contentOf(toRead))
  const waited = outcomeOf(() => contentOf(toWaitFor))
  const written = outcomeOf(async () => {
    await toWrite.write(content.subarray(0, 4096), 0, 4096, 8192)
    await toWrite.sync()
  })
  const other = await outcomeOf(() => contentOf(remaining))
  t.ok(content.equals(other.result as Buffer) && other.ms < slackMs, 'who needs other chunks does not wait')

  const { files: hit } = JSON.parse(await leasefs('status', '--files', '--json', '--master', cluster.masterAddress))
  const missing = hit.filter(({ chunksMissing }: { chunksMissing: number }) => chunksMissing > 0)
  t.same(missing.map(({ path }: { path: string }) => path).sort(), gone.map(name => `/${name}`).sort())
  const located = await leasefs('locate', join(impatient, first))
  t.match(located, /1 chunks without a replica \(reads of them wait, then fail\)/)

  for (const { result, ms } of [await read, await written]) {
    t.equal(result, 'EIO')
    t.ok(ms > timeoutMs - 500 && ms < timeoutMs + slackMs, `after ${ms.toFixed(0)} ms`)
  }

  // Who still waits when they come back goes on, and what was refused was not done.
  await Promise.all(lost.map(server => cluster.chunkservers[server]?.start()))
  t.ok(content.equals((await waited).result as Buffer), 'who waited has what was there')
  await until('who did not may try again', async () => (await outcomeOf(() => contentOf(toRead))).result !== 'EIO')
  t.ok((await contentOf(toRead)).equals(content))
  await toWrite.write(content.subarray(0, 4096), 0, 4096, 0)
  await toWrite.sync()
  await until('nothing is missing', async () => {
    const { chunksMissing, chunksBelowGoal } = await cluster.status()
    return chunksMissing + chunksBelowGoal === 0
  })
})
