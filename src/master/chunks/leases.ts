// Who may order the mutations of a chunk, and until when (GFS section 3.1).
//
// Bookkeeping only: no timer, no I/O. The caller brings the time: the moment it
// sends the grant or answers the heartbeat. The holder counts from the moment
// it asked, so it always stops first.
//
// Invariants:
// - a chunk has at most one lease that has not expired;
// - lease ids rise: masterEpoch × 2^32 + n, so also across restarts of the master;
// - the map is in the order of expiry, adopted leases apart: each grant and
//   extension lasts equally long and moves its lease to the end.

import assert from 'node:assert/strict'
import type { ChunkHandle, LeaseId, ServerId } from '../../wire/ids.js'

const grantsPerEpochMax = 2 ** 32

/** Epochs that keep lease ids below 2^53. */
const epochMax = 2 ** 21 - 1

export interface Lease {
  readonly leaseId: LeaseId
  readonly handle: ChunkHandle
  readonly version: number
  readonly primary: ServerId
  readonly secondaries: readonly ServerId[]
  readonly grantedAt: number
  readonly expiresAt: number
}

export interface LeaseTerms {
  readonly handle: ChunkHandle
  readonly version: number
  readonly primary: ServerId
  readonly secondaries: readonly ServerId[]
}

export class LeaseTable {
  readonly #leases = new Map<ChunkHandle, Lease>()
  readonly #held = new Map<ServerId, Set<ChunkHandle>>()
  readonly #leaseMs: number
  readonly #epoch: number
  #granted = 0

  constructor(masterEpoch: number, leaseMs: number) {
    assert(masterEpoch > 0)
    assert(masterEpoch <= epochMax)
    this.#epoch = masterEpoch
    this.#leaseMs = leaseMs
  }

  countInForce(now: number): number {
    let count = 0
    for (const { expiresAt } of this.#leases.values()) if (now < expiresAt) count++
    return count
  }

  /** The chunk's lease, if one is in force. */
  current(handle: ChunkHandle, now: number): Lease | undefined {
    const lease = this.#leases.get(handle)
    return lease && now < lease.expiresAt ? lease : undefined
  }

  /** The chunks whose leases a server holds. */
  heldBy(server: ServerId): Iterable<ChunkHandle> {
    return this.#held.get(server) ?? []
  }

  countHeldBy(server: ServerId): number {
    return this.#held.get(server)?.size ?? 0
  }

  grant(terms: LeaseTerms, now: number): Lease {
    assert(!this.current(terms.handle, now), 'granted while another lease is in force')
    assert(!terms.secondaries.includes(terms.primary))
    assert(this.#granted < grantsPerEpochMax - 1)
    const leaseId = (this.#epoch * grantsPerEpochMax + ++this.#granted) as LeaseId
    const lease = { ...terms, leaseId, grantedAt: now, expiresAt: now + this.#leaseMs }
    this.#put(lease)
    return lease
  }

  /** Extends the lease if the server holds it; undefined if it does not, and it must stop. */
  extend(handle: ChunkHandle, leaseId: number, server: ServerId, now: number): Lease | undefined {
    const lease = this.current(handle, now)
    if (lease?.leaseId !== leaseId || lease.primary !== server) return undefined
    const extended = { ...lease, expiresAt: now + this.#leaseMs }
    assert(extended.expiresAt >= lease.expiresAt)
    this.#put(extended)
    return extended
  }

  /**
   * Takes over a lease that its holder reports after a restart of the master.
   * Undefined if another is in force that is newer: the reporter must give up its own.
   */
  adopt(terms: LeaseTerms & { leaseId: LeaseId }, remainingMs: number, now: number): Lease | undefined {
    const known = this.current(terms.handle, now)
    if (known && known.leaseId > terms.leaseId) return undefined
    if (known?.leaseId === terms.leaseId) return known.primary === terms.primary ? known : undefined
    const lease = { ...terms, grantedAt: now, expiresAt: now + Math.min(remainingMs, this.#leaseMs) }
    this.#put(lease)
    return lease
  }

  /** The holder keeps its lease under a new version, with these secondaries. */
  change(handle: ChunkHandle, leaseId: LeaseId, version: number, secondaries: readonly ServerId[]): Lease {
    const lease = this.#leases.get(handle)
    assert(lease?.leaseId === leaseId)
    assert(version > lease.version)
    const changed = { ...lease, version, secondaries }
    this.#leases.set(handle, changed)
    return changed
  }

  /** Ends the chunk's lease. The caller knows that its holder orders nothing any more. */
  remove(handle: ChunkHandle): Lease | undefined {
    const lease = this.#leases.get(handle)
    if (lease) this.#forget(lease)
    return lease
  }

  /** Clears leases that have expired, up to `countMax` of them. */
  expire(now: number, countMax: number): Lease[] {
    const expired: Lease[] = []
    for (const lease of this.#leases.values()) {
      if (now < lease.expiresAt || expired.length === countMax) break
      this.#forget(lease)
      expired.push(lease)
    }
    return expired
  }

  #put(lease: Lease): void {
    const old = this.#leases.get(lease.handle)
    if (old) this.#forget(old)
    this.#leases.set(lease.handle, lease)
    let held = this.#held.get(lease.primary)
    if (!held) {
      held = new Set()
      this.#held.set(lease.primary, held)
    }
    held.add(lease.handle)
  }

  #forget(lease: Lease): void {
    this.#leases.delete(lease.handle)
    const held = this.#held.get(lease.primary)
    held?.delete(lease.handle)
    if (held?.size === 0) this.#held.delete(lease.primary)
  }
}
