// Pushed data on its way from the network to a replica, in memory, by data id
// (GFS section 3.2: "in an internal buffer until the data is used or aged out").
//
// Bounded: a push is let in when there is room for all of it. What nobody
// commits is dropped after a while, sooner when room is needed. Data that a
// mutation with a place in the order names is pinned until it is applied.
//
// Invariant: usedBytes = Σ cost of what is coming + Σ cost of what is here, ≤ bytesMax,
// and what is kept in memory is in proportion to that.

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
  pushOverheadBytes,
  pushPiecesMax,
  pushRoomWaitMs,
} from './limits.js'

interface Entry {
  readonly buffers: readonly Buffer[]
  readonly length: number
  readonly since: number
  pins: number
}

/** A push of which bytes are still to come. */
interface Coming {
  readonly since: number
  /** Its room is needed: what has come is dropped, and what comes. */
  readonly drop: () => void
}

interface Waiter {
  readonly wake: (room: boolean) => void
  readonly cost: number
}

export class PushBuffer {
  readonly #clock: Clock
  readonly #bytesMax: number
  readonly #overheadBytes: number
  /** In the order they came. */
  readonly #entries = new Map<string, Entry>()
  readonly #coming = new Set<Coming>()
  readonly #forRoom = new Set<Waiter>()
  readonly #forData = new Map<string, Set<() => void>>()
  #usedBytes = 0
  #cancelSweep: (() => void) | undefined

  constructor(clock: Clock, bytesMax = pushBufferBytesMax, overheadBytes = pushOverheadBytes) {
    this.#clock = clock
    this.#bytesMax = bytesMax
    this.#overheadBytes = overheadBytes
  }

  get usedBytes(): number {
    return this.#usedBytes
  }

  /** As DataHandler.beginPush. */
  beginPush(id: DataId, length: number): PushReceiver | undefined | Promise<PushReceiver | undefined> {
    const key = dataIdText(id)
    if (this.#entries.has(key)) return undefined
    if (this.#cost(length) > this.#bytesMax) throw new LeasefsError('INVALID_ARGUMENT', `a push of ${length} bytes`)
    if (this.#forRoom.size === 0 && this.#reserve(this.#cost(length))) return this.#receiver(key, length)
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

  #cost(length: number): number {
    return length + this.#overheadBytes
  }

  #reserve(cost: number): boolean {
    if (this.#usedBytes + cost > this.#bytesMax) this.#sweep(pushHoldMinMs, cost)
    if (this.#usedBytes + cost > this.#bytesMax) return false
    this.#usedBytes += cost
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
      const waiter: Waiter = { wake, cost: this.#cost(length) }
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
    let state: 'coming' | 'dropped' | 'ended' = 'coming'
    const end = (as: 'dropped' | 'ended') => {
      pieces = []
      this.#coming.delete(coming)
      if (state === 'coming') this.#release(length)
      state = as
    }
    const coming = { since: this.#clock.now(), drop: () => end('dropped') }
    this.#coming.add(coming)
    return {
      write: bytes => {
        received += bytes.length
        if (state !== 'coming' || received > length) return // More than was announced: never complete.
        pieces.push(bytes)
        if (pieces.length > pushPiecesMax) pieces = [Buffer.concat(pieces)]
      },
      complete: () => {
        assert(state !== 'ended')
        if (state === 'dropped') throw new LeasefsError('UNAVAILABLE', 'it came so slowly that others needed its room')
        if (received !== length) return end('ended')
        state = 'ended'
        this.#coming.delete(coming)
        this.#add(key, pieces, length)
      },
      abandon: () => end('ended'),
    }
  }

  #add(key: string, buffers: readonly Buffer[], length: number): void {
    if (this.#entries.has(key)) {
      this.#release(length)
      return
    }
    this.#entries.set(key, { buffers: withoutMore(buffers, length), length, since: this.#clock.now(), pins: 0 })
    this.#scheduleSweep()
    for (const wake of [...(this.#forData.get(key) ?? [])]) wake()
  }

  #drop(key: string, entry: Entry): void {
    this.#entries.delete(key)
    this.#release(entry.length)
  }

  #release(length: number): void {
    this.#usedBytes -= this.#cost(length)
    assert(this.#usedBytes >= 0)
    for (const waiter of this.#forRoom) {
      if (this.#usedBytes + waiter.cost > this.#bytesMax) break
      this.#usedBytes += waiter.cost
      waiter.wake(true)
    }
  }

  /** Drops what has been here, or coming, for `holdMs`, oldest first, or as much of it as makes room for `wanted` bytes. */
  #sweep(holdMs: number, wanted = Number.POSITIVE_INFINITY): void {
    const before = this.#clock.now() - holdMs
    const isEnough = () => this.#usedBytes + wanted <= this.#bytesMax
    for (const [key, entry] of this.#entries) {
      if (entry.since > before || isEnough()) break
      if (entry.pins === 0) this.#drop(key, entry)
    }
    for (const coming of this.#coming) {
      if (coming.since > before || isEnough()) return
      coming.drop()
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

/** Pieces are views of what came from the network at once: a small push must not keep all of that in memory. */
function withoutMore(buffers: readonly Buffer[], length: number): readonly Buffer[] {
  let bytes = 0
  for (const memory of new Set(buffers.map(({ buffer }) => buffer))) bytes += memory.byteLength
  if (bytes <= 2 * length) return buffers
  const copy = Buffer.allocUnsafeSlow(length)
  let at = 0
  for (const piece of buffers) at += piece.copy(copy, at)
  return [copy]
}
