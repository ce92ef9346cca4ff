// The master's words to this server, carried out: those about one chunk in the
// order in which they came.

import type { Clock } from '../base/clock.js'
import { LeasefsError } from '../base/errors.js'
import { goalMax } from '../constants.js'
import { parseAddress } from '../wire/address.js'
import type {
  Command,
  CreateReplica,
  DeleteReplica,
  GrantLease,
  LevelReplica,
  MendReplica,
  RaiseVersion,
  RevokeLease,
} from '../wire/gen/chunkserver.js'
import type { ServerAddress } from '../wire/gen/common.js'
import { type ChunkHandle, handleText, type LeaseId, type ServerId } from '../wire/ids.js'
import type { Copies } from './copies.js'
import type { InOrder } from './in-order.js'
import type { Leveller } from './levelling/leveller.js'
import { mendSourcesMax, revokeDrainMs } from './limits.js'
import type { MasterWatch } from './master-watch.js'
import { checkHandle, checkPositive } from './mutations/checked.js'
import type { SecondaryAddress } from './mutations/secondary-link.js'
import type { SecondaryLinks } from './mutations/secondary-links.js'
import type { Replica } from './replica.js'
import type { Replicas } from './replicas.js'
import type { Mender } from './scrub/mender.js'
import type { Scrubber } from './scrub/scrubber.js'
import type { ServerLease } from './server-lease.js'
import type { ChunkStore } from './store/chunk-store.js'

/** About one chunk. */
type ChunkCommand = Exclude<NonNullable<Command['command']>, { $case: 'scrub' }>

export interface CommandsOptions {
  readonly self: ServerId
  readonly store: ChunkStore
  readonly replicas: Replicas
  readonly serverLease: ServerLease
  readonly clock: Clock
  readonly links: Pick<SecondaryLinks, 'serverThere'>
  readonly leveller: Pick<Leveller, 'level'>
  readonly copies: Pick<Copies, 'copy' | 'stop' | 'isUnderWay'>
  readonly masterWatch: Pick<MasterWatch, 'isOlder'>
  readonly mender: Pick<Mender, 'mend'>
  readonly scrubber: Pick<Scrubber, 'startPass'>
  /** Something was not done, for this reason. */
  readonly refused: (reason: LeasefsError) => void
  /** Commands about one chunk are carried out one after the other. */
  readonly inOrder: InOrder<ChunkHandle>
}

export class Commands {
  readonly #options: CommandsOptions

  constructor(options: CommandsOptions) {
    this.#options = options
  }

  /** @throws LeasefsError: the reason why it was not done */
  async run({ command }: Command): Promise<void> {
    if (!command) throw new LeasefsError('NOT_SUPPORTED', 'a command this server does not know')
    if (command.$case === 'scrub') return this.#options.scrubber.startPass(command.value.bytesPerSecond)
    try {
      await this.#runOf(checkHandle(command.value.handle), command)
    } catch (reason) {
      if (reason instanceof LeasefsError) this.#options.refused(reason)
      throw reason
    }
  }

  async #runOf(handle: ChunkHandle, command: ChunkCommand): Promise<void> {
    const { serverLease, copies, inOrder } = this.#options
    // Counted from when it came, not from when its turn comes.
    const { acknowledgedSentAt } = serverLease
    // Takes long, and waits its turn itself where it must.
    if (command.$case === 'copy') return await copies.copy(handle, command.value)
    // Needs none: what is written meanwhile stays.
    if (command.$case === 'mend') return await this.#mend(handle, command.value)
    // Before its turn: what is copied may wait for one itself.
    if (command.$case === 'delete' && copies.isUnderWay(handle)) await copies.stop(handle)
    await inOrder.run(handle, () => {
      switch (command.$case) {
        case 'create':
          return this.#create(handle, command.value)
        case 'grant':
          return this.#grant(handle, command.value, acknowledgedSentAt)
        case 'revoke':
          return this.#revoke(handle, command.value)
        case 'raise':
          return this.#raise(handle, command.value)
        case 'delete':
          return this.#delete(handle, command.value)
        case 'level':
          return this.#level(handle, command.value)
      }
    })
  }

  async #create(handle: ChunkHandle, { version }: Pick<CreateReplica, 'version'>): Promise<void> {
    const { store, replicas } = this.#options
    if (store.stat(handle)?.version === version) return // Told twice.
    try {
      await store.create(handle, checkPositive(version, 'version'))
    } catch (reason) {
      if (reason instanceof LeasefsError) replicas.notMade(handle, reason)
      throw reason
    }
    replicas.created(handle)
  }

  /**
   * The lease lasts `remainingMs` from when the master sent the grant, a moment
   * we don't know. But it had answered a message of ours before: counted from
   * when we sent that one, the lease ends here before it ends there.
   */
  async #grant(handle: ChunkHandle, grant: GrantLease, acknowledgedSentAt: number): Promise<void> {
    const { self, store, links } = this.#options
    const { lease, version } = grant
    if (lease?.primary !== self) throw new LeasefsError('INVALID_ARGUMENT', 'a lease for another server')
    const leaseId = checkPositive(lease.leaseId, 'lease id') as LeaseId
    const secondaries = checkSecondaries(grant.secondaries, self)
    if (grant.create && !store.stat(handle)) await this.#create(handle, { version })
    const replica = this.#replica(handle)
    checkVersion(replica, version)
    for (const { serverId } of secondaries) links.serverThere(serverId)
    replica.becomePrimary({ leaseId, secondaries, expiresAt: acknowledgedSentAt + lease.remainingMs })
  }

  async #revoke(handle: ChunkHandle, { leaseId }: RevokeLease): Promise<void> {
    const { replicas, clock } = this.#options
    const replica = replicas.get(handle)
    if (replica?.role.kind !== 'primary' || replica.role.leaseId !== leaseId) return
    const reason = new LeasefsError('NOT_PRIMARY', 'the lease was revoked')
    const late = new AbortController()
    await Promise.race([replica.retire(reason), clock.sleep(revokeDrainMs, late.signal).catch(() => {})])
    late.abort()
    replica.stepDown(reason)
  }

  async #raise(handle: ChunkHandle, { fromVersion, toVersion }: RaiseVersion): Promise<void> {
    await this.#replica(handle).raise(fromVersion, checkPositive(toVersion, 'version'))
  }

  async #delete(handle: ChunkHandle, { version }: DeleteReplica): Promise<void> {
    const { store, replicas, masterWatch } = this.#options
    const stored = store.stat(handle)
    if (!stored) return
    // A copy that was not finished (version 0) is of no use to anyone.
    if (masterWatch.isOlder && stored.version > 0) {
      throw new LeasefsError('NOT_PERMITTED', 'this server has seen a master that knew more: it deletes nothing')
    }
    const text = handleText(handle)
    if (stored.version > version) {
      throw new LeasefsError('STALE_VERSION', `chunk ${text} is at version ${stored.version} here, beyond ${version}`)
    }
    await replicas.forget(handle, new LeasefsError('NOT_FOUND', `the replica of chunk ${text} is being deleted`))
    await store.delete(handle)
  }

  /** Without a source ours is the one that counts: it is as it should be. */
  async #level(handle: ChunkHandle, { version, source, sourceVersion }: LevelReplica): Promise<void> {
    const replica = this.#replica(handle)
    checkVersion(replica, version)
    await replica.standStill()
    if (!source) return replica.trust()
    const [control, data] = [parseAddress(source.controlAddress), parseAddress(source.dataAddress)]
    replica.trust(await this.#options.leveller.level(handle, { control, data, version: sourceVersion }))
  }

  async #mend(handle: ChunkHandle, { version, sources }: MendReplica): Promise<void> {
    if (sources.length > mendSourcesMax) throw new LeasefsError('INVALID_ARGUMENT', `${sources.length} sources`)
    checkVersion(this.#replica(handle), version)
    const from = sources.map(({ server, version }) => ({ data: parseAddress(server?.dataAddress ?? ''), version }))
    await this.#options.mender.mend(handle, from)
  }

  #replica(handle: ChunkHandle): Replica {
    const replica = this.#options.replicas.get(handle)
    if (replica) return replica
    throw new LeasefsError('NOT_FOUND', `no replica of chunk ${handleText(handle)} here`)
  }
}

/** @throws LeasefsError STALE_VERSION */
function checkVersion(replica: Replica, version: number): void {
  if (replica.version === version) return
  const text = `chunk ${handleText(replica.handle)} is at version ${replica.version} here, not ${version}`
  throw new LeasefsError('STALE_VERSION', text)
}

/** @throws LeasefsError INVALID_ARGUMENT */
export function checkSecondaries(servers: readonly ServerAddress[], self: ServerId): SecondaryAddress[] {
  if (servers.length >= goalMax) throw new LeasefsError('INVALID_ARGUMENT', `${servers.length} secondaries`)
  const secondaries = servers.map(({ serverId, controlAddress }) => {
    return { serverId: serverId as ServerId, control: parseAddress(controlAddress) }
  })
  const ids = new Set([self, ...secondaries.map(({ serverId }) => serverId)])
  if (ids.size !== secondaries.length + 1)
    throw new LeasefsError('INVALID_ARGUMENT', 'a server twice in a set of replicas')
  return secondaries
}
