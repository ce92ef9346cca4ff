// A file of records of one size that are overwritten in place, by all mounts,
// also several at once; some are over far more often than others.

import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { join } from 'node:path'
import { History } from '../history.js'
import { lineSize, pageSize, record, sequenceOf } from '../record.js'
import { below, collect, type Mount, readFully, type Scene, type Work } from './work.js'

export interface SlotsOptions {
  readonly name: string
  readonly count: number
  readonly size: number
  /** Where the first record is: before it the file is a hole. */
  readonly start: number
}

const hotSlots = 4

export class Slots implements Work {
  readonly directory = 'slots'
  readonly path: string
  readonly #options: SlotsOptions
  readonly #scene: Scene
  readonly #slots: readonly History[]
  /** Of each slot on each mount: how many were begun, and how many of them have not ended. */
  readonly #writes = new Map<string, { begun: number; underWay: number }>()
  /** Kept open, one for each mount. */
  readonly #open = new Map<Mount, FileHandle>()

  constructor(scene: Scene, options: SlotsOptions) {
    this.#scene = scene
    this.#options = options
    this.path = join(this.directory, options.name)
    this.#slots = Array.from({ length: options.count }, (_, i) => new History(`${options.name}/${i}`, scene.now))
  }

  async write(mount: Mount): Promise<void> {
    const slot = this.#choose()
    const { size } = this.#options
    const history = this.#history(slot)
    const write = history.begin()
    const content = record(history.name, write.sequence, size)
    const writes = this.#writesOn(mount, slot)
    writes.begun += 1
    writes.underWay += 1
    try {
      if (this.#scene.random.next() < 0.5) {
        const file = await this.#opened(mount)
        await file.write(content, 0, size, this.#offset(slot))
        await file.sync()
      } else {
        const file = await open(this.#in(mount), constants.O_CREAT | constants.O_RDWR)
        await file.write(content, 0, size, this.#offset(slot)).finally(() => file.close())
      }
    } catch (reason) {
      await this.#drop(mount)
      if (!mount.died) history.fail(write)
      throw reason
    } finally {
      writes.underWay -= 1
    }
    history.acknowledge(write)
  }

  /** One page, as the pages of a record may be read at different times. */
  async read(mount: Mount): Promise<void> {
    const slot = this.#choose()
    const history = this.#history(slot)
    if (!history.hasAny) return
    const at = pageSize * below(this.#scene.random, this.#options.size / pageSize)
    const writes = this.#writesOn(mount, slot)
    const before = { ...writes }
    const begun = this.#scene.now()
    const buffer = Buffer.alloc(pageSize)
    let content: Buffer
    if (this.#scene.random.next() < 0.5) {
      const file = await this.#opened(mount)
      content = await readFully(file, buffer, this.#offset(slot) + at).catch(async reason => {
        await this.#drop(mount)
        throw reason
      })
    } else {
      const file = await open(this.#in(mount))
      content = await readFully(file, buffer, this.#offset(slot) + at).finally(() => file.close())
    }
    if (content.length < pageSize) throw new Error(`${history.name}: ${content.length} bytes of a page`)
    // No kernel locks a page of its cache for readers, on any file system: a write(2) here may be seen half.
    const isWritten = before.underWay > 0 || writes.begun > before.begun
    const part = isWritten ? lineSize : pageSize
    for (let i = 0; i < pageSize; i += part) {
      history.see(sequenceOf(history.name, content.subarray(i, i + part), at + i), begun)
    }
  }

  async check(mount: Mount): Promise<string[]> {
    const wrong: string[] = []
    if (!this.#slots.some(({ hasAny }) => hasAny)) return wrong
    const { count, size, start } = this.#options
    await collect(wrong, async () => {
      const begun = this.#scene.now()
      const file = await open(this.#in(mount))
      const all = await readFully(file, Buffer.alloc(count * size), start).finally(() => file.close())
      for (const [slot, history] of this.#slots.entries()) {
        if (!history.hasAny) continue
        const content = all.subarray(slot * size, (slot + 1) * size)
        await collect(wrong, async () => {
          if (content.length < size) throw new Error(`${history.name}: ${content.length} bytes`)
          const sequence = sequenceOf(history.name, content)
          history.see(sequence, begun)
          history.settle(sequence)
        })
      }
    })
    return wrong
  }

  /** Of the file, from the root of the file system; nothing as long as it may not be there. */
  paths(): string[] {
    return this.#slots.some(({ hasAny }) => hasAny) ? [`/${this.path}`] : []
  }

  async #opened(mount: Mount): Promise<FileHandle> {
    const known = this.#open.get(mount)
    if (known) return known
    const file = await open(this.#in(mount), constants.O_CREAT | constants.O_RDWR)
    const other = this.#open.get(mount) // Opened meanwhile.
    if (other) {
      await file.close()
      return other
    }
    this.#open.set(mount, file)
    return file
  }

  /** Through which nothing more can be done. */
  async #drop(mount: Mount): Promise<void> {
    const file = this.#open.get(mount)
    this.#open.delete(mount)
    await file?.close().catch(() => {}) // The error is known already.
  }

  #writesOn({ label }: Mount, slot: number): { begun: number; underWay: number } {
    const key = `${label}/${slot}`
    const known = this.#writes.get(key) ?? { begun: 0, underWay: 0 }
    this.#writes.set(key, known)
    return known
  }

  #choose(): number {
    return below(this.#scene.random, this.#scene.random.next() < 0.5 ? hotSlots : this.#options.count)
  }

  #history(slot: number): History {
    const history = this.#slots[slot]
    if (!history) throw new Error(`there is no slot ${slot}`)
    return history
  }

  #offset(slot: number): number {
    return this.#options.start + slot * this.#options.size
  }

  #in(mount: Mount): string {
    return join(mount.directory, this.path)
  }
}
