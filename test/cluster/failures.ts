// Chunkservers that die and fall silent under five clients that overwrite their
// files: all go on, nothing acknowledged is lost, and the replicas of a chunk's
// current version hold the same bytes.

import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { Client, FileHandle } from '../../src/client/index.js'
import { connect } from '../../src/client/index.js'
import { type Cluster, cannotMount, startCluster, until } from './harness.js'

const recordSize = 4096
const recordsPerFile = 512
const dataStart = 24_576

/** A record that says what it is: no other is like it, and half of one is neither. */
function record(writer: number, slot: number, sequence: number): Buffer {
  return Buffer.alloc(recordSize, `writer ${writer}, record ${slot}, number ${sequence}; `)
}

/** Overwrites records of its own file, one after the other, each in place and then on the disks. */
class Writer {
  readonly #client: Client
  readonly #file: FileHandle
  readonly #id: number
  readonly #last = new Map<number, number>()
  /** What was begun last, and perhaps not done. */
  #pending: { readonly slot: number; readonly sequence: number } | undefined
  #sequence = 0
  #stopped = false
  #ended: Promise<void> | undefined

  private constructor(id: number, client: Client, file: FileHandle) {
    this.#id = id
    this.#client = client
    this.#file = file
  }

  static async open(id: number, master: string): Promise<Writer> {
    const client = await connect({ master })
    const file = await client.open(Writer.path(id), 'w+')
    const writer = new Writer(id, client, file)
    for (let slot = 0; slot < recordsPerFile; slot++) await writer.#write(slot)
    await file.sync()
    return writer
  }

  static path(id: number): string {
    return `/written-by-${id}`
  }

  /** How many writes were acknowledged. */
  get acknowledged(): number {
    return this.#sequence
  }

  start(): void {
    this.#stopped = false
    const run = async () => {
      while (!this.#stopped) {
        await this.#write(randomInt(recordsPerFile))
        if (this.#sequence % 4 === 0) await this.#file.sync()
      }
    }
    this.#ended = run()
  }

  /** Resolves when nothing is under way. */
  async pause(): Promise<void> {
    this.#stopped = true
    await this.#ended
  }

  async close(): Promise<void> {
    await this.#file.close()
    await this.#client.close()
  }

  /** The records that are not what was acknowledged. */
  wrong(content: Buffer): string[] {
    const wrong: string[] = []
    for (const [slot, sequence] of this.#last) {
      const found = content.subarray(slot * recordSize, (slot + 1) * recordSize)
      if (found.equals(record(this.#id, slot, sequence))) continue
      const pending = this.#pending
      if (pending?.slot === slot && found.equals(record(this.#id, slot, pending.sequence))) continue
      wrong.push(`record ${slot} is "${found.subarray(0, 60).toString()}", not number ${sequence}`)
    }
    return wrong
  }

  async #write(slot: number): Promise<void> {
    const sequence = this.#sequence + 1
    this.#pending = { slot, sequence }
    await this.#file.write(record(this.#id, slot, sequence), 0, recordSize, slot * recordSize)
    this.#last.set(slot, sequence)
    this.#sequence = sequence
  }
}

/** Everyone has written so much more. */
async function progress(writers: readonly Writer[], what: string, count = 12): Promise<void> {
  const before = writers.map(({ acknowledged }) => acknowledged)
  const moved = () => writers.every(({ acknowledged }, index) => acknowledged >= (before[index] ?? 0) + count)
  await until(`all go on writing ${what}`, async () => moved())
}

/** The bytes of each replica that the master counts, as the servers have them in their files; all replicas of all files. */
async function replicasOf(cluster: Cluster, paths: readonly string[]) {
  const found: { readonly path: string; readonly version: number; readonly contents: Buffer[] }[] = []
  for (const path of paths) {
    const { chunks } = await cluster.locate(join(cluster.mountPoint, path))
    for (const { handle, version, replicas } of chunks) {
      const current = replicas.filter(({ stale }) => !stale)
      const contents = current.map(({ serverId }) => {
        const index = cluster.chunkservers.findIndex((_, i) => cluster.serverId(i) === serverId)
        assert(index >= 0)
        const name = `${handle.padStart(16, '0')}.chunk`
        return readFileSync(join(cluster.dataOf(index), 'chunks', name.slice(14, 16), name)).subarray(dataStart)
      })
      found.push({ path, version, contents })
    }
  }
  return found
}

t.test('five clients go on while chunkservers die and fall silent', { skip: cannotMount }, async t => {
  const cluster = await startCluster(t, { masterArgs: ['--repair-delay', '1s'] })
  const writers = await Promise.all([0, 1, 2, 3, 4].map(id => Writer.open(id, cluster.masterAddress)))
  const paths = writers.map((_, id) => Writer.path(id))
  for (const writer of writers) writer.start()
  await progress(writers, 'before anything happens')

  const allEqual = async (what: string) => {
    await until(`all replicas are there ${what}`, async () => (await cluster.status()).chunksBelowGoal === 0)
    for (const writer of writers) await writer.pause()
    for (const { path, contents } of await replicasOf(cluster, paths)) {
      t.equal(contents.length, 3, `${path} has its replicas ${what}`)
      for (const content of contents) if (!content.equals(contents[0] ?? content)) t.fail(`${path} differs ${what}`)
    }
    for (const writer of writers) writer.start()
  }

  await Promise.all(cluster.chunkservers.map(server => server.kill()))
  await Promise.all(cluster.chunkservers.map(server => server.start()))
  await progress(writers, 'after all chunkservers were killed at once')
  await allEqual('after all were killed at once')

  const [silent, dead] = cluster.chunkservers
  assert(silent && dead)
  await silent.kill('SIGSTOP')
  await progress(writers, 'while one is stopped')
  await silent.kill('SIGCONT')
  await progress(writers, 'when it is back')
  await allEqual('after one was silent')

  await dead.kill()
  await progress(writers, 'after another was killed')
  await dead.start()
  await progress(writers, 'when that one is back')

  await allEqual('after one was killed')
  for (const writer of writers) {
    await writer.pause()
    await writer.close()
  }
  for (const [id, writer] of writers.entries()) {
    const content = readFileSync(join(cluster.mountPoint, Writer.path(id)))
    t.same(writer.wrong(content), [], `what writer ${id} was told is what a mount reads`)
    t.equal(content.length, recordsPerFile * recordSize)
  }
})
