// The replicas of one server: chunk handle → version, 12 bytes a slot. A
// cluster of millions of chunks has several times as many replicas, and a Map
// would take half a gigabyte for ten million of them.
//
// Open addressing with linear probing. Invariants: the number of slots is a
// power of two; at least a quarter of them is free; a handle stands within an
// unbroken run of used slots that starts at its home. Handle 0 marks a free slot.

import assert from 'node:assert/strict'
import type { ChunkHandle } from '../../wire/ids.js'

const slotsMin = 16

export class ReplicaMap {
  #handles = new Float64Array(slotsMin)
  #versions = new Uint32Array(slotsMin)
  #size = 0

  get size(): number {
    return this.#size
  }

  /** The version of the replica, 0 if there is none. */
  get(handle: ChunkHandle): number {
    return this.#versions[this.#find(handle)] ?? 0
  }

  set(handle: ChunkHandle, version: number): void {
    assert(handle > 0)
    assert(version > 0)
    let slot = this.#find(handle)
    if (this.#handles[slot] === 0) {
      if ((this.#size + 1) * 4 > this.#handles.length * 3) {
        this.#resize(this.#handles.length * 2)
        slot = this.#find(handle)
      }
      this.#handles[slot] = handle
      this.#size++
    }
    this.#versions[slot] = version
  }

  delete(handle: ChunkHandle): boolean {
    const slot = this.#find(handle)
    if (this.#handles[slot] === 0) return false
    this.#size--
    this.#closeGap(slot)
    return true
  }

  /**
   * Up to `count` entries from slot `cursor` on, and where to go on (undefined
   * at the end). Entries that move between two calls may be missed or seen twice.
   */
  slice(cursor: number, count: number): { entries: [ChunkHandle, number][]; next: number | undefined } {
    const entries: [ChunkHandle, number][] = []
    let slot = cursor
    for (; slot < this.#handles.length && entries.length < count; slot++) {
      const handle = this.#handles[slot] as ChunkHandle
      if (handle !== 0) entries.push([handle, this.#versions[slot] ?? 0])
    }
    return { entries, next: slot < this.#handles.length ? slot : undefined }
  }

  /** The slot of the handle, or the free one where it would stand. */
  #find(handle: number): number {
    const mask = this.#handles.length - 1
    let slot = home(handle, mask)
    while (this.#handles[slot] !== handle && this.#handles[slot] !== 0) slot = (slot + 1) & mask
    return slot
  }

  /** Moves back what stands behind a freed slot only because the slot was taken. */
  #closeGap(freed: number): void {
    const mask = this.#handles.length - 1
    let gap = freed
    for (let slot = (gap + 1) & mask; this.#handles[slot] !== 0; slot = (slot + 1) & mask) {
      const handle = this.#handles[slot] ?? 0
      const fromHome = (slot - home(handle, mask)) & mask
      if (fromHome < ((slot - gap) & mask)) continue
      this.#handles[gap] = handle
      this.#versions[gap] = this.#versions[slot] ?? 0
      gap = slot
    }
    this.#handles[gap] = 0
    this.#versions[gap] = 0
  }

  #resize(slots: number): void {
    const handles = this.#handles
    const versions = this.#versions
    this.#handles = new Float64Array(slots)
    this.#versions = new Uint32Array(slots)
    for (let old = 0; old < handles.length; old++) {
      const handle = handles[old] ?? 0
      if (handle === 0) continue
      const slot = this.#find(handle)
      this.#handles[slot] = handle
      this.#versions[slot] = versions[old] ?? 0
    }
  }
}

/** Where a handle would like to stand: both of its words, mixed. */
function home(handle: number, mask: number): number {
  const low = handle >>> 0
  const high = (handle / 2 ** 32) >>> 0
  const mixed = Math.imul(low ^ Math.imul(high, 0x9e3779b1), 0x85ebca6b)
  return (mixed ^ (mixed >>> 15)) & mask
}
