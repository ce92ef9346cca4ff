// Sees to it that a chunk has a lease in force (GFS section 3.1): names the
// holder if there is one, grants it to a replica if there is none, and raises
// the version first when replicas are missing. What to do is decided in
// lease-plan.ts; here it is done, one attempt at a time for each chunk, shared
// by everyone who asks meanwhile.

import assert from 'node:assert/strict'
import { LeasefsError } from '../../base/errors.js'
import { type ChunkHandle, handleText, type ServerId } from '../../wire/ids.js'
import type { ChunkRecord } from '../chunk-table.js'
import { grantChunk, grantNewChunk, placeServers } from './grant.js'
import { isMinority, type LeasePlan, planLease } from './lease-plan.js'
import type { Lease } from './leases.js'
import { gatherMs, grantRoundsMax, locateWaitMs, watchMs } from './limits.js'
import { wasNeverMade } from './never-made.js'
import { leaveBehind, raiseUnmade, raiseVersion } from './raise.js'
import type { ReplicaAt } from './replicas.js'
import { chunkOf, endLease, isIncomplete, type Room, tell } from './room.js'

export class Grants {
  readonly #room: Room
  readonly #underWay = new Map<ChunkHandle, Promise<Lease>>()

  constructor(room: Room) {
    this.#room = room
  }

  /** Chunks whose lease somebody waits for. */
  awaited(): Iterable<ChunkHandle> {
    return this.#underWay.keys()
  }

  /**
   * The chunk's lease, made if none is in force. Waits for servers that may be
   * back soon, or that may not be known dead yet.
   *
   * @throws LeasefsError UNAVAILABLE: no replica may be used; NO_SPACE, IO (the journal)
   */
  lease(handle: ChunkHandle): Promise<Lease> {
    const shared = this.#underWay.get(handle)
    if (shared) return shared
    const lease = this.#inForce(handle)
    if (lease && !this.#room.turns.busy(handle)) return Promise.resolve(lease)

    const attempt = this.#room.turns
      .take(handle, () => this.#obtain(handle))
      .finally(() => this.#underWay.delete(handle))
    this.#underWay.set(handle, attempt)
    return attempt
  }

  /** The lease in force, if its holder is there to order mutations of the version that the journal has. */
  #inForce(handle: ChunkHandle): Lease | undefined {
    const lease = this.#room.leases.current(handle, this.#room.clock.now())
    if (!lease || this.#room.servers.standing(lease.primary) !== 'serving') return undefined
    return this.#knowsAll(lease) && this.#isUsable(lease, this.#room.table.chunk(handle)) ? lease : undefined
  }

  async #obtain(handle: ChunkHandle): Promise<Lease> {
    const { clock, changes, closing } = this.#room
    const deadline = clock.now() + locateWaitMs
    const excluded = new Set<ServerId>()
    let gatherUntil: number | undefined
    for (let round = 0; round < grantRoundsMax; ) {
      const lease = this.#inForce(handle)
      if (lease) return lease
      const record = chunkOf(this.#room, handle)
      await this.#clearLease(record)
      const plan = this.#plan(record, excluded)
      // Whoever makes another replica needs the chunk's turn.
      if (plan.kind === 'few') break
      if (plan.kind === 'raise' && isMinority(record, plan.members)) gatherUntil ??= clock.now() + gatherMs
      if (this.#mustWait(record, plan, gatherUntil)) {
        if (clock.now() >= deadline || closing.aborted) break
        await changes.next(Math.min(watchMs, deadline - clock.now()))
      } else {
        round++
        const granted = await this.#carryOut(record, plan, excluded)
        if (granted) return granted
      }
    }
    throw new LeasefsError('UNAVAILABLE', `chunk ${handleText(handle)}: no replica may be used now`)
  }

  /** Nothing can, or should, be done now. A chunk without replicas can be made again only if it never had one. */
  #mustWait(record: ChunkRecord, { kind }: LeasePlan, gatherUntil = Number.NEGATIVE_INFINITY): boolean {
    if (kind === 'raise') return this.#room.clock.now() < gatherUntil
    return kind === 'wait' || (kind === 'none' && !wasNeverMade(this.#room, record))
  }

  /** Ends a lease that is in nobody's way any more: of a holder that is gone, or under a version that has passed or must be raised. */
  async #clearLease(record: ChunkRecord): Promise<void> {
    const { servers, leases, clock, log } = this.#room
    const { handle } = record
    const lease = leases.current(handle, clock.now())
    if (!lease) return
    const standing = servers.standing(lease.primary)
    if (standing === 'gone') endLease(this.#room, handle, 'its holder is gone')
    if (standing !== 'serving' || this.#isUsable(lease, record)) return
    try {
      await tell(this.#room, lease.primary, { $case: 'revoke', value: { handle, leaseId: lease.leaseId } })
      endLease(this.#room, handle, 'another version is needed')
    } catch (reason) {
      if (!(reason instanceof LeasefsError)) throw reason
      log.warn({ server: lease.primary, handle: handleText(handle), err: reason }, 'a lease was not given back')
    }
  }

  #plan(record: ChunkRecord, excluded: ReadonlySet<ServerId>): LeasePlan {
    const { servers, replicas, leases, doubts, clock, minReplicas } = this.#room
    if (leases.current(record.handle, clock.now())) return { kind: 'wait' }
    const members = replicas
      .of(record.handle)
      .map(({ server, version }) => ({ server, version, standing: servers.standing(server) }))
    const incomplete = isIncomplete(this.#room)
    return planLease({ record, members, excluded, incomplete, doubtful: doubts.has(record.handle), minReplicas })
  }

  /** The lease, or undefined if the servers or the chunk have changed and a new plan is needed. */
  async #carryOut(record: ChunkRecord, plan: LeasePlan, excluded: Set<ServerId>): Promise<Lease | undefined> {
    switch (plan.kind) {
      case 'grant':
        return await grantChunk(this.#room, record, plan.servers, excluded)
      case 'raise':
        await this.#raise(record, plan.members, excluded)
        return undefined
      case 'none':
        await this.#makeAgain(record)
        return undefined
      case 'few':
      case 'wait':
        assert.fail('nothing to carry out')
    }
  }

  async #raise(record: ChunkRecord, members: readonly ReplicaAt[], excluded: Set<ServerId>): Promise<void> {
    const outcome = await raiseVersion(this.#room, record, members)
    for (const server of outcome.failed) excluded.add(server)
    // Nobody may read what the new set leaves behind before the first mutation of the new version is answered.
    if (outcome.failed.length === 0) await leaveBehind(this.#room, outcome.record, excluded)
  }

  /** Of a new chunk no server has made a replica: other servers get the next version of it, as new. */
  async #makeAgain(record: ChunkRecord): Promise<void> {
    const servers = placeServers(this.#room, record.goal)
    grantNewChunk(this.#room, await raiseUnmade(this.#room, record, servers), servers)
  }

  /** Soon after its start the master may not know where secondaries are: who pushes past them has them wait for the data in vain. */
  #knowsAll({ secondaries }: Lease): boolean {
    return !isIncomplete(this.#room) || secondaries.every(id => this.#room.servers.standing(id) !== 'gone')
  }

  /** Whether a lease is for the version that is in use (a raise that failed half-way leaves it behind), and no replica is in doubt. */
  #isUsable(lease: Lease, record: ChunkRecord | undefined): boolean {
    if (this.#room.doubts.has(lease.handle)) return false
    return lease.version === record?.version && record.settledVersion === record.version
  }
}
