// All servers with a replica of a chunk are gone: who needs the chunk waits, and
// is told in time; it is said which files are hit; and they come back with the servers.

import { randomBytes } from 'node:crypto'
import { type FileHandle, open, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { absentForgetMs } from '../../src/client/limits.js'
import { type Cluster, cannotMount, leasefs, startCluster, until } from './harness.js'

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
  const args = { mountArgs: ['--timeout', `${timeoutMs}ms`], masterArgs: ['--repair-delay', '1s'] }
  const cluster = await startCluster(t, { goal: 2, mounts: 2, ...args })
  const [writing = '', reading = ''] = cluster.mountPoints
  const content = randomBytes(fileBytes)
  const files: { readonly name: string; readonly servers: readonly number[] }[] = []
  for (let n = 0; n < 12; n++) {
    await writeFile(join(writing, `file-${n}`), content, { flush: true })
    files.push({ name: `file-${n}`, servers: await holders(cluster, join(writing, `file-${n}`)) })
  }
  const lost = files[0]?.servers ?? []
  const gone = files.filter(({ servers }) => servers.every(server => lost.includes(server))).map(({ name }) => name)
  const there = files.map(({ name }) => name).find(name => !gone.includes(name)) ?? ''
  const [first = '', second = ''] = gone
  t.ok(second && there, 'some are on two servers, and some are not')
  const opened = async (mount: string, name: string) => {
    const file = await open(join(mount, name), 'r+')
    t.teardown(() => file.close().catch(() => {}))
    return file
  }
  const toRead = await opened(reading, first)
  const toWrite = await opened(writing, second)
  const remaining = await opened(reading, there)

  for (const server of lost) await cluster.chunkservers[server]?.kill()
  const read = outcomeOf(() => contentOf(toRead))
  const written = outcomeOf(async () => {
    await toWrite.write(content.subarray(0, 4096), 0, 4096, 8192)
    await toWrite.sync()
  })
  const other = await outcomeOf(() => contentOf(remaining))
  t.ok(content.equals(other.result as Buffer) && other.ms < slackMs, 'who needs other chunks does not wait')

  const { files: hit } = JSON.parse(await leasefs('status', '--files', '--json', '--master', cluster.masterAddress))
  const missing = hit.filter(({ chunksMissing }: { chunksMissing: number }) => chunksMissing > 0)
  t.same(missing.map(({ path }: { path: string }) => path).sort(), gone.map(name => `/${name}`).sort())
  const located = await leasefs('locate', join(reading, first))
  t.match(located, /1 chunks without a replica \(reads of them wait, then fail\)/)

  for (const { result, ms } of [await read, await written]) {
    t.equal(result, 'EIO')
    t.ok(ms > timeoutMs - 500 && ms < timeoutMs + slackMs, `after ${ms.toFixed(0)} ms`)
  }

  // Who waits when they come back goes on. (What is asked again at once does not wait.)
  await sleep(2 * absentForgetMs)
  const again = outcomeOf(() => contentOf(toRead))
  await Promise.all(lost.map(server => cluster.chunkservers[server]?.start()))
  t.ok(content.equals((await again).result as Buffer), 'it is as it was')
  await toWrite.write(content.subarray(0, 4096), 0, 4096, 0)
  await toWrite.sync()
  const rewritten = await contentOf(toWrite)
  t.ok(rewritten.equals(content), 'what could not be written was not')
  await until('nothing is missing', async () => {
    const { chunksMissing, chunksBelowGoal } = await cluster.status()
    return chunksMissing + chunksBelowGoal === 0
  })
})
