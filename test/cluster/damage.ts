// Disks that change what they were given: bytes of replica files are flipped
// behind the back of chunkservers, under a mount that goes on.

import { randomBytes } from 'node:crypto'
import { closeSync, existsSync, openSync, readFileSync, readSync, unlinkSync, writeFileSync, writeSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { MiB } from '../../src/base/units.js'
import { dataStart, replicaPath } from '../../src/chunkserver/store/chunk-format.js'
import { checksumBlockSize as size } from '../../src/constants.js'
import type { ChunkHandle } from '../../src/wire/ids.js'
import { type Cluster, cannotMount, leasefs, startCluster, until } from './harness.js'

/** A file with one chunk, three replicas of which are on the disks and clean. */
class Victim {
  readonly path: string
  readonly bytes: Buffer
  readonly #cluster: Cluster
  readonly #handle: ChunkHandle

  private constructor(cluster: Cluster, path: string, handle: ChunkHandle, bytes: Buffer) {
    this.#cluster = cluster
    this.path = path
    this.#handle = handle
    this.bytes = bytes
  }

  static async write(cluster: Cluster, name: string): Promise<Victim> {
    const path = join(cluster.mountPoint, name)
    const bytes = randomBytes(2 * MiB)
    writeFileSync(path, bytes, { flush: true })
    const { chunks } = await cluster.locate(path)
    return new Victim(cluster, path, Number.parseInt(chunks[0]?.handle ?? '', 16) as ChunkHandle, bytes)
  }

  file(server: number): string {
    return join(this.#cluster.dataOf(server), 'chunks', replicaPath(this.#handle))
  }

  /** Changes a byte of a block of a server's replica. */
  flip(server: number, block: number): void {
    const file = openSync(this.file(server), 'r+')
    const byte = Buffer.alloc(1)
    const at = dataStart + block * size + 100
    readSync(file, byte, 0, 1, at)
    writeSync(file, Buffer.from([~(byte[0] ?? 0) & 0xff]), 0, 1, at)
    closeSync(file)
  }

  isWhole(server: number): boolean {
    return readFileSync(this.file(server)).subarray(dataStart).equals(this.bytes)
  }
}

/** Reads from the mount; "EIO" if that is what it says. Not in this thread: daemons wait while nobody takes what they log. */
async function readAnew(path: string, from = 0, length = 2 * MiB): Promise<Buffer | string> {
  const file = await open(path)
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, from)
    return buffer.subarray(0, bytesRead)
  } catch (reason) {
    return (reason as NodeJS.ErrnoException).code ?? ''
  } finally {
    await file.close()
  }
}

t.test('damaged blocks are restored from other replicas', { skip: cannotMount }, async t => {
  const cluster = await startCluster(t, { masterArgs: ['--repair-delay', '1s'] })
  const [one, two, three] = await Promise.all(['one', 'two', 'three'].map(name => Victim.write(cluster, name)))
  if (!one || !two || !three) throw new Error('three files')
  // Nothing is cached, and nothing is known: replicas are clean, mounts and servers are new.
  await cluster.mounts[0]?.stop()
  for (const server of cluster.chunkservers) await server.stop()
  one.flip(0, 5)
  two.flip(0, 3)
  two.flip(1, 70)
  two.flip(2, 120)
  for (const server of [0, 1, 2]) three.flip(server, 40)
  await Promise.all(cluster.chunkservers.map(server => server.start()))
  await cluster.mounts[0]?.start()

  const isRight = async (victim: Victim) => {
    const bytes = await readAnew(victim.path)
    t.ok(Buffer.isBuffer(bytes) && bytes.equals(victim.bytes), 'a reader notices nothing')
  }
  await isRight(one)
  await isRight(two)

  await leasefs('scrub', '--all', '--rate', '100MiB', '--master', cluster.masterAddress)
  await until('replicas with one damaged block each are whole', () => {
    return [0, 1, 2].every(i => one.isWhole(i) && two.isWhole(i))
  })

  t.equal(await readAnew(three.path, 40 * size, 4096), 'EIO', 'a block that all have lost is an error')

  const before = await readAnew(three.path, 0, 40 * size)
  t.ok(Buffer.isBuffer(before) && before.equals(three.bytes.subarray(0, 40 * size)), 'the others are read')

  const after = await readAnew(three.path, 41 * size, 20 * size)
  t.ok(Buffer.isBuffer(after) && after.equals(three.bytes.subarray(41 * size, 61 * size)))

  await until('the master says which file has lost a block', async () => {
    const { damaged } = await cluster.status()
    const { ino } = await cluster.locate(three.path)
    return damaged.some(chunk => chunk.lost && chunk.ino === ino && chunk.blocks === 1)
  })

  unlinkSync(two.file(0))
  await leasefs('scrub', cluster.serverId(0), '--rate', '100MiB', '--master', cluster.masterAddress)
  await until('a replica whose file was taken away is made again', () => existsSync(two.file(0)) && two.isWhole(0))
})
