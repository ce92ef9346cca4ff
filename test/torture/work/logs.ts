// Files that all mounts append to. What was appended is there once, whole, and
// in its order; between the records there is nothing.

import { appendFile, open, readFile, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { record, sequenceOf } from '../record.js'
import { below, collect, type Mount, type Scene, type Work } from './work.js'

const entriesMax = 150
const linesMax = 16
const lineSize = 64

interface Entry {
  readonly size: number
  readonly begun: number
  happened: number
  acknowledged: boolean
}

export class Logs implements Work {
  readonly directory = 'logs'
  readonly #scene: Scene
  #name = 'log-1'
  #number = 1
  #entries = new Map<number, Entry>()
  /** Appends on each mount: how many were begun, and how many of them have not ended. */
  readonly #appends = new Map<Mount, { begun: number; underWay: number }>()

  constructor(scene: Scene) {
    this.#scene = scene
  }

  async write(mount: Mount): Promise<void> {
    const name = this.#name
    const sequence = this.#entries.size + 1
    const size = lineSize * (1 + below(this.#scene.random, linesMax))
    const entry = { size, begun: this.#scene.now(), happened: Number.POSITIVE_INFINITY, acknowledged: false }
    this.#entries.set(sequence, entry)
    const content = record(name, sequence, size)
    const path = join(mount.directory, this.directory, name)
    const appends = this.#appendsOn(mount)
    appends.begun += 1
    appends.underWay += 1
    try {
      if (this.#scene.random.next() < 0.5) await appendFile(path, content)
      else {
        const file = await open(path, 'a')
        const append = async () => {
          await file.write(content)
          await file.sync()
        }
        await append().finally(() => file.close())
      }
      entry.acknowledged = true
    } finally {
      appends.underWay -= 1
      if (entry.acknowledged || !mount.died) entry.happened = this.#scene.now()
    }
  }

  async read(mount: Mount): Promise<void> {
    const begun = this.#scene.now()
    const name = this.#name
    const entries = this.#entries
    const mustBeThere = [...entries].filter(([, { acknowledged }]) => acknowledged).map(([sequence]) => sequence)
    if (mustBeThere.length === 0) return
    const before = { ...this.#appendsOn(mount) }
    const content = await readFile(join(mount.directory, this.directory, name)).catch(reason => {
      // A new file has been begun meanwhile, and this one is gone.
      if (reason.code === 'ENOENT' && name !== this.#name) return undefined
      throw reason
    })
    if (!content) return
    // While a kernel appends it does not believe us how long the file is, only itself; it may cut off what others appended.
    const isCut = before.underWay > 0 || this.#appendsOn(mount).begun > before.begun
    judge(name, content, entries, isCut ? undefined : mustBeThere, this.#scene.now() - begun)
  }

  async check(mount: Mount): Promise<string[]> {
    const wrong: string[] = []
    const mustBeThere = [...this.#entries].filter(([, { acknowledged }]) => acknowledged).map(([sequence]) => sequence)
    const path = join(mount.directory, this.directory, this.#name)
    if (mustBeThere.length > 0) {
      await collect(wrong, async () => judge(this.#name, await readFile(path), this.#entries, mustBeThere, 0))
    }
    if (this.#entries.size > entriesMax || wrong.length > 0) {
      this.#number += 1
      this.#name = `log-${this.#number}`
      this.#entries = new Map()
      await unlink(path)
    }
    return wrong
  }

  #appendsOn(mount: Mount): { begun: number; underWay: number } {
    const known = this.#appends.get(mount) ?? { begun: 0, underWay: 0 }
    this.#appends.set(mount, known)
    return known
  }
}

/**
 * @param mustBeThere the records that were acknowledged before; undefined if the end of the log may be cut off
 * @throws Error saying what of a log is not as it was acknowledged
 */
function judge(
  name: string,
  content: Buffer,
  entries: ReadonlyMap<number, Entry>,
  mustBeThere: readonly number[] | undefined,
  tookMs: number,
): void {
  const found = new Set<number>()
  let latestBegun = 0
  for (let at = 0; at < content.length; ) {
    const head = content.subarray(at, at + lineSize).toString('latin1')
    const sequence = Number(/ number (\d+) at 0 /.exec(head)?.[1])
    const entry = entries.get(sequence)
    if (!entry) throw new Error(`${name}: ${JSON.stringify(head.replaceAll('\0', '').trim())} at ${at}, no record`)
    const part = content.subarray(at, at + entry.size)
    if (!mustBeThere && part.length < entry.size) return
    if (part.length < entry.size) throw new Error(`${name}: of record ${sequence} only ${part.length} bytes are there`)
    sequenceOf(name, part)
    if (found.has(sequence)) throw new Error(`${name}: record ${sequence} is there twice`)
    if (entry.happened < latestBegun) throw new Error(`${name}: record ${sequence} stands behind a later one`)
    latestBegun = Math.max(latestBegun, entry.begun)
    found.add(sequence)
    at += entry.size
  }
  const missing = (mustBeThere ?? []).filter(sequence => !found.has(sequence))
  if (missing.length > 0) {
    const which = `${missing.slice(0, 8)} of ${mustBeThere?.length}`
    throw new Error(`${name}: records ${which} are not there, ${content.length} bytes, read in ${tookMs.toFixed(0)} ms`)
  }
}
