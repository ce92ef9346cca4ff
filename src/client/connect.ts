// What a program gives to connect(), and the defaults for what it does not.

import { hostname } from 'node:os'
import { type Clock, SystemClock } from '../base/clock.js'
import { LeasefsError } from '../base/errors.js'
import { type Logger, silentLog } from '../base/log.js'
import type { Random } from '../base/random.js'
import type { Trace } from '../base/trace.js'
import { mutationSizeMax } from '../constants.js'
import type { ByteNetwork } from '../dataplane/byte-network.js'
import { TcpNetwork } from '../dataplane/tcp-network.js'
import type { ControlNetwork } from '../rpc/control-network.js'
import { GrpcNetwork } from '../rpc/grpc-network.js'
import { type Address, parseAddress } from '../wire/address.js'
import type { Ino } from '../wire/ids.js'
import { type Location, parseLocation } from '../wire/location.js'
import { Client } from './client.js'
import { openFileSystem } from './connect-file-system.js'
import type { InodeFileSystem } from './inode-file-system.js'
import { connectTimeoutMsDefault, dirtyBytesMaxDefault, readCacheBytesMaxDefault, timeoutMsDefault } from './limits.js'
import type { Survival } from './survival.js'

export interface ConnectOptions {
  /** Where the master listens: "HOST:PORT". */
  readonly master: string | Address

  /** Where this program runs, as "/dc/rack/host": near replicas are preferred. Without it all are equally far. */
  readonly location?: string | Location

  /** Refuse a master of another cluster. Without it any is right. */
  readonly clusterId?: string

  /** For people who look at the cluster. Default: host name and process id. */
  readonly description?: string

  /** How long an operation may wait for servers that are away before it fails. Default one minute. */
  readonly timeoutMs?: number

  /** How long connect() itself looks for the master. Default ten seconds. */
  readonly connectTimeoutMs?: number

  /** Written bytes that may wait to be pushed, over all files; writers wait beyond it. At least 1 MiB; default 64 MiB. */
  readonly dirtyBytesMax?: number

  /** Bytes read ahead and kept, over all files. Default 64 MiB. */
  readonly readCacheBytesMax?: number

  /** Owner of new files. Default: the user of this process. */
  readonly uid?: number
  readonly gid?: number

  /** Permission bits that new files do not get. Default 0o022. */
  readonly umask?: number

  /**
   * Hears of inodes that another client has changed, after the client's own caches have dropped them. Who changed
   * them waits for the promise, though not for long.
   */
  readonly onInvalidate?: (inos: readonly Ino[] | 'all') => Promise<void> | void

  /** Goes on with what an earlier process has left, and leaves it to the next. Without it nothing is left. */
  readonly survival?: Survival | undefined

  /** What the outside world is made of. A plain program leaves these alone. */
  readonly control?: ControlNetwork
  readonly data?: ByteNetwork
  readonly clock?: Clock
  readonly random?: Random
  readonly log?: Logger
  readonly trace?: Trace | undefined
}

/**
 * Connects to a cluster.
 *
 * @throws LeasefsError UNAVAILABLE: no master answers there; INVALID_ARGUMENT: a malformed option;
 * WRONG_CLUSTER, NEWER_FORMAT: the master does not fit
 */
export async function connect(options: ConnectOptions): Promise<Client> {
  const fileSystem = await connectFileSystem(options)
  const { uid = process.getuid?.() ?? 0, gid = process.getgid?.() ?? 0, umask = 0o022 } = options
  return new Client(fileSystem, { uid, gid, umask })
}

/** As connect(), for those who work with inodes: the mount. */
export async function connectFileSystem(options: ConnectOptions): Promise<InodeFileSystem> {
  const { master, location, clock = new SystemClock(), log = silentLog } = options
  const {
    timeoutMs = timeoutMsDefault,
    connectTimeoutMs = connectTimeoutMsDefault,
    dirtyBytesMax = dirtyBytesMaxDefault,
    readCacheBytesMax = readCacheBytesMaxDefault,
  } = options
  for (const [name, value] of Object.entries({ timeoutMs, connectTimeoutMs, dirtyBytesMax, readCacheBytesMax })) {
    if (!(value >= 0)) throw new LeasefsError('INVALID_ARGUMENT', `${name} must not be negative`)
  }
  return openFileSystem({
    master: typeof master === 'string' ? parseAddress(master) : master,
    location: typeof location === 'string' ? parseLocation(location) : location,
    control: options.control ?? new GrpcNetwork(clock, log),
    data: options.data ?? new TcpNetwork(clock, log),
    clock,
    log,
    trace: options.trace,
    clusterId: options.clusterId,
    description: options.description ?? `${hostname()}:${process.pid}`,
    timeoutMs,
    connectTimeoutMs,
    dirtyBytesMax: Math.max(dirtyBytesMax, mutationSizeMax),
    readCacheBytesMax,
    onInvalidate: options.onInvalidate,
    survival: options.survival,
  })
}
