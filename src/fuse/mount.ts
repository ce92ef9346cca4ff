// Mounting a file system: checks, the choice of a binding, and the end of it.
//
// A mount ends in one of two ways: `unmount()` is called, or someone else runs
// umount. In both, `closed` resolves after the last handle was flushed. The
// file system is the caller's, to open before and to close afterwards.

import { type Clock, SystemClock } from '../base/clock.js'
import { LeasefsError } from '../base/errors.js'
import type { Logger } from '../base/log.js'
import type { FileSystem } from '../client/file-system.js'
import type { Binding, BindingName, Invalidations, Kept, Served } from './bindings/binding.js'
import { fuseNative } from './bindings/fuse-native/index.js'
import { kernel } from './bindings/kernel/index.js'
import { InvalidationRelay } from './invalidations.js'
import { checkMountPoint } from './mount-point.js'
import { isMounted } from './mount-table.js'
import { type AtimePolicy, Operations } from './operations.js'
import { checkMachine, thisMachine } from './prerequisites.js'
import type { Underway } from './underway.js'
import { unmount } from './unmount.js'

export interface MountOptions {
  readonly fileSystem: FileSystem
  /** An empty directory; its real path, if this process goes on with a mount. */
  readonly mountPoint: string
  /** "auto" takes the best one that this machine and this user can have. */
  readonly binding: 'auto' | BindingName
  readonly log: Logger
  /** What mount(8) and df(1) show as the device. Default "leasefs". */
  readonly fsname?: string
  /** Whether other users may use it. Default: if root mounts. */
  readonly allowOther?: boolean | undefined
  readonly readOnly?: boolean | undefined
  /** This mount is the only one: see ServeOptions. */
  readonly exclusive?: boolean | undefined
  /** Which reads of a file change its access time. Default "relatime", as mount(8) has it. */
  readonly atime?: AtimePolicy
  /** What others have changed in the file system, for the kernel's caches. Default: no one else changes it. */
  readonly invalidations?: Invalidations
  readonly clock?: Clock
  /** What outlives this process; for the binding "kernel" alone. */
  readonly kept?: Kept | undefined
}

export interface Mount {
  /** The real path of the mount point. */
  readonly mountPoint: string
  readonly binding: BindingName

  /** Resolves when the mount is gone, whoever took it away, and what was written to it has been flushed. */
  readonly closed: Promise<void>

  /** What programs have asked and not been answered yet, in no order. */
  underway(): Iterable<Underway>

  /** Unmounts, waiting a few seconds for those who use it. Idempotent. */
  unmount(): Promise<void>
}

/** How often the mount table is looked at, where the binding does not say when the mount has gone. */
const watchMs = 500

/** In the order in which "auto" tries them. */
const bindings: readonly Binding[] = [kernel, fuseNative]

/** What can be checked before there is a file system to mount. */
export type MountWish = Pick<MountOptions, 'mountPoint' | 'binding' | 'fsname' | 'allowOther' | 'exclusive' | 'clock'>

/**
 * Mounts `fileSystem` and serves it until it is unmounted.
 *
 * @throws LeasefsError NOT_FOUND, NOT_A_DIRECTORY, ALREADY_EXISTS or NOT_EMPTY for the mount point;
 * NATIVE_MISSING or PERMISSION_DENIED for the machine, saying what to do; NOT_SUPPORTED for the binding; IO
 */
export async function mount(options: MountOptions): Promise<Mount> {
  const { fileSystem, log, clock = new SystemClock(), fsname = 'leasefs', atime = 'relatime' } = options
  const { readOnly = false, exclusive = false, invalidations = new InvalidationRelay() } = options
  const { kept } = options
  const { mountPoint, allowOther, binding } = kept?.goesOn ? goingOn(options) : await checkMount(options)
  const operations = new Operations(fileSystem, log, { clock, atime, ...(kept && { surviving: kept.survival.map }) })
  await operations.resume()
  const settings = {
    mountPoint,
    source: fsname,
    allowOther,
    readOnly,
    exclusive,
    invalidations,
    kept,
  }
  const served = await binding.serve({ operations, ...settings, clock, log })
  return new ServedMount(mountPoint, binding.name, operations, served, clock, log)
}

/** Nothing is to be checked of what is mounted: whoever looks at the mount point waits for us. */
function goingOn({ mountPoint, allowOther = true }: MountOptions) {
  return { mountPoint, allowOther, binding: kernel }
}

/**
 * What mount() will find wrong with the mount point, the machine and the choices; and if nothing, the
 * real mount point and the binding. For those who would otherwise connect first.
 *
 * @throws LeasefsError as mount()
 */
export async function checkMount(wish: MountWish) {
  const { fsname = '', exclusive = false, clock = new SystemClock() } = wish
  if (fsname.includes(',')) throw new LeasefsError('INVALID_ARGUMENT', `no comma may be in the name ${fsname}`)
  const mountPoint = await checkMountPoint(wish.mountPoint, clock)
  const isRoot = process.getuid?.() === 0
  const allowOther = wish.allowOther ?? isRoot
  await checkMachine({ ...thisMachine, isRoot, allowOther })
  const binding = await choose(wish.binding)
  if (exclusive && !binding.canBeExclusive) {
    throw new LeasefsError('NOT_SUPPORTED', `the binding ${binding.name} can't be exclusive: only "kernel" can`)
  }
  return { mountPoint, allowOther, binding }
}

async function choose(wanted: MountOptions['binding']): Promise<Binding> {
  let reason: unknown = new LeasefsError('NOT_SUPPORTED', `there is no binding "${wanted}" here`)
  for (const binding of bindings) {
    if (wanted !== 'auto' && wanted !== binding.name) continue
    try {
      await binding.check()
      return binding
    } catch (error) {
      reason = error
    }
  }
  throw reason
}

class ServedMount implements Mount {
  readonly mountPoint: string
  readonly binding: BindingName
  readonly closed: Promise<void>
  readonly #clock: Clock
  readonly #log: Logger
  readonly #served: Served
  readonly #unmounted = new AbortController()
  #unmounting: Promise<void> | undefined

  constructor(
    mountPoint: string,
    binding: BindingName,
    operations: Operations,
    served: Served,
    clock: Clock,
    log: Logger,
  ) {
    this.mountPoint = mountPoint
    this.binding = binding
    this.#clock = clock
    this.#log = log
    this.#served = served
    this.closed = this.#ended(served).then(async () => {
      await operations.close()
      served.end()
    })
  }

  underway(): Iterable<Underway> {
    return this.#served.underway()
  }

  unmount(): Promise<void> {
    this.#unmounting ??= this.#unmount()
    return this.#unmounting
  }

  async #unmount(): Promise<void> {
    await unmount(this.mountPoint, this.#clock, this.#log)
    this.#unmounted.abort()
    await this.closed
  }

  /** Resolves when the mount is gone for everyone, or unmount() has taken it away. */
  async #ended({ gone }: Served): Promise<void> {
    const { signal } = this.#unmounted
    if (!gone) return this.#watch(signal)
    const watching = new AbortController()
    const left = this.#watch(AbortSignal.any([signal, watching.signal]))
    await Promise.race([gone, left])
    watching.abort()
    if (signal.aborted || (await isSettled(gone))) return
    this.#log.info({ mountPoint: this.mountPoint }, 'unmounted by someone: served on for those who still use it')
    await Promise.race([gone, aborted(signal)])
  }

  /** Resolves when the mount is no longer in the mount table. */
  async #watch(signal: AbortSignal): Promise<void> {
    while (!signal.aborted && (await isMounted(this.mountPoint))) {
      await this.#clock.sleep(watchMs, signal).catch(() => {})
    }
  }
}

async function isSettled(promise: Promise<void>): Promise<boolean> {
  const notYet = {}
  return (await Promise.race([promise, notYet])) !== notYet
}

function aborted(signal: AbortSignal): Promise<unknown> {
  return new Promise(resolve => signal.addEventListener('abort', resolve, { once: true }))
}
