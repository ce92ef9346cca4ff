// Pushed data on its way from the network to a replica, in memory, by data id
// (GFS section 3.2: "in an internal buffer until the data is used or aged out").
//
// Bounded: a push is let in when there is room for all of it. What nobody
// commits is dropped after a while, sooner when room is needed. Data that a
// mutation with a place in the order names is pinned until it is applied.
//
// Invariant: usedBytes = Σ of what is coming + Σ of what is here, ≤ bytesMax.

import assert from 'node:assert/strict'
import type { Clock } from '../base/clock.js'
import { LeasefsError } from '../base/errors.js'
import type { PushReceiver } from '../dataplane/data-plane.js'
import { type DataId, dataIdText } from '../wire/ids.js'
import {
  pushBufferBytesMax,
  pushesWaitingMax,
  pushHoldMinMs,
  pushHoldMs,
  pushPiecesMax,
  pushRoomWaitMs,
} from './limits.js'

interface Entry {
  readonly buffers: readonly Buffer[]
  readonly length: number
  readonly since: number
  pins: number
}

interface Waiter {
  readonly wake: (room: boolean) => void
  readonly length: number
}

export class PushBuffer {
  readonly #clock: Clock
  readonly #bytesMax: number
  /** In the order they came. */
  readonly #entries = new Map<string, Entry>()
  readonly #forRoom = new Set<Waiter>()
  readonly #forData = new Map<string, Set<() => void>>()
  #usedBytes = 0
  #cancelSweep: (() => void) | undefined

  constructor(clock: Clock, bytesMax = pushBufferBytesMax) {
    this.#clock = clock
    this.#bytesMax = bytesMax
  }

  get usedBytes(): number {
    return this.#usedBytes
  }

  /** As DataHandler.beginPush. */
  beginPush(id: DataId, length: number): PushReceiver | undefined | Promise<PushReceiver | undefined> {
    const key = dataIdText(id)
    if (this.#entries.has(key)) return undefined
    if (length > this.#bytesMax) throw new LeasefsError('INVALID_ARGUMENT', `a push of ${length} bytes`)
    if (this.#forRoom.size === 0 && this.#reserve(length)) return this.#receiver(key, length)
    return this.#receiverWhenRoom(key, length)
  }

  /** The bytes of a push that has come whole. */
  get(id: DataId): { readonly buffers: readonly Buffer[]; readonly length: number } | undefined {
    return this.#entries.get(dataIdText(id))
  }

  /** Keeps the data, if it is here, until unpin(). */
  pin(id: DataId): boolean {
    const entry = this.#entries.get(dataIdText(id))
    if (entry) entry.pins++
    return entry !== undefined
  }

  /** The data has been used: it goes when no one else has pinned it. */
  unpin(id: DataId): void {
    const key = dataIdText(id)
    const entry = this.#entries.get(key)
    assert(entry && entry.pins > 0)
    if (--entry.pins === 0) this.#drop(key, entry)
  }

  /** It will not be committed any more, or has been already. */
  discard(id: DataId): void {
    const key = dataIdText(id)
    const entry = this.#entries.get(key)
    if (entry?.pins === 0) this.#drop(key, entry)
  }

  /** Waits at most `timeoutMs` for the data to be here; false if it is not. */
  async arrival(id: DataId, timeoutMs: number): Promise<boolean> {
    const key = dataIdText(id)
    if (this.#entries.has(key)) return true
    const waiters = this.#forData.get(key) ?? new Set()
    this.#forData.set(key, waiters)
    const came = await new Promise<boolean>(resolve => {
      const cancel = this.#clock.after(timeoutMs, () => done(false))
      const wake = () => done(true)
      const done = (here: boolean) => {
        cancel()
        waiters.delete(wake)
        if (waiters.size === 0) this.#forData.delete(key)
        resolve(here)
      }
      waiters.add(wake)
    })
    return came && this.#entries.has(key)
  }

  /** Drops everything; those who wait for room are sent away. */
  close(): void {
    this.#cancelSweep?.()
    this.#entries.clear()
    for (const waiter of this.#forRoom) waiter.wake(false)
  }

  #reserve(length: number): boolean {
    if (this.#usedBytes + length > this.#bytesMax) this.#sweep(pushHoldMinMs, length)
    if (this.#usedBytes + length > this.#bytesMax) return false
    this.#usedBytes += length
    return true
  }

  async #receiverWhenRoom(key: string, length: number): Promise<PushReceiver | undefined> {
    const noRoom = () => new LeasefsError('UNAVAILABLE', `the push buffer is full (${this.#usedBytes} bytes)`)
    if (this.#forRoom.size >= pushesWaitingMax) throw noRoom()
    this.#scheduleSweep()
    const room = await new Promise<boolean>(resolve => {
      const cancel = this.#clock.after(pushRoomWaitMs, () => waiter.wake(false))
      const wake = (room: boolean) => {
        cancel()
        this.#forRoom.delete(waiter)
        resolve(room)
      }
      const waiter: Waiter = { wake, length }
      this.#forRoom.add(waiter)
    })
    if (!room) throw noRoom()
    if (!this.#entries.has(key)) return this.#receiver(key, length)
    this.#release(length) // The same push came another way meanwhile.
    return undefined
  }

  /** The room for `length` bytes is reserved: it belongs to the receiver, then to the entry. */
  #receiver(key: string, length: number): PushReceiver {
    let pieces: Buffer[] = []
    let received = 0
    let ended = false
    return {
      write: bytes => {
        received += bytes.length
        if (ended || received > length) return true // More than was announced: never complete.
        pieces.push(bytes)
        if (pieces.length > pushPiecesMax) pieces = [Buffer.concat(pieces)]
        return true
      },
      complete: () => {
        assert(!ended)
        ended = true
        if (received === length) this.#add(key, pieces, length)
        else this.#release(length)
      },
      abandon: () => {
        if (!ended) this.#release(length)
        ended = true
        pieces = []
      },
    }
  }

  #add(key: string, buffers: readonly Buffer[], length: number): void {
    if (this.#entries.has(key)) {
      this.#release(length)
      return
    }
    this.#entries.set(key, { buffers, length, since: this.#clock.now(), pins: 0 })
    this.#scheduleSweep()
    for (const wake of [...(this.#forData.get(key) ?? [])]) wake()
  }

  #drop(key: string, entry: Entry): void {
    this.#entries.delete(key)
    this.#release(entry.length)
  }

  #release(length: number): void {
    this.#usedBytes -= length
    assert(this.#usedBytes >= 0)
    for (const waiter of this.#forRoom) {
      if (this.#usedBytes + waiter.length > this.#bytesMax) break
      this.#usedBytes += waiter.length
      waiter.wake(true)
    }
  }

  /** Drops what has been here for `holdMs`, oldest first, or as much of it as makes room for `wanted` bytes. */
  #sweep(holdMs: number, wanted = Number.POSITIVE_INFINITY): void {
    const before = this.#clock.now() - holdMs
    for (const [key, entry] of this.#entries) {
      if (entry.since > before || this.#usedBytes + wanted <= this.#bytesMax) return
      if (entry.pins === 0) this.#drop(key, entry)
    }
  }

  #scheduleSweep(): void {
    if (this.#cancelSweep) return
    this.#cancelSweep = this.#clock.after(pushHoldMinMs / 10, () => {
      this.#cancelSweep = undefined
      this.#sweep(this.#forRoom.size > 0 ? pushHoldMinMs : pushHoldMs)
      if (this.#entries.size > 0 || this.#forRoom.size > 0) this.#scheduleSweep()
    })
  }
}
