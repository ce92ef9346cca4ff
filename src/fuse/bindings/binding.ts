// What mount.ts needs of a way to serve the kernel. Each binding is a folder
// here; which one is used is chosen in mount.ts and nowhere else.

import type { Clock } from '../../base/clock.js'
import type { Logger } from '../../base/log.js'
import type { Ino } from '../../client/file-system.js'
import type { Survival } from '../../client/survival.js'
import type { Operations } from '../operations.js'
import type { Underway } from '../underway.js'

export type BindingName = 'kernel' | 'fuse-native'

/**
 * Takes what has been changed elsewhere out of the kernel's caches; resolves
 * when nothing of it is served any more.
 */
export type HearInvalidation = (inos: readonly Ino[] | 'all') => Promise<void>

/** Where a binding hears that what the kernel may have cached has been changed elsewhere. */
export interface Invalidations {
  /** At most one listener: the later one counts. */
  listen(hear: HearInvalidation): void
}

/** What a process that outlives this one keeps. */
export interface Kept {
  /** Descriptor of /dev/fuse. */
  readonly device: number
  readonly survival: Survival
  /** An earlier process has mounted, and served: this one goes on. */
  readonly goesOn: boolean
}

export interface ServeOptions {
  readonly operations: Operations
  /** Absolute; an empty directory, not a mount point. */
  readonly mountPoint: string
  /** What mount(8) and df(1) show as the device. Without commas. */
  readonly source: string
  /** Whether users other than the one who mounts may use it. */
  readonly allowOther: boolean
  /** The kernel refuses every change with EROFS. */
  readonly readOnly: boolean
  /**
   * No one else changes the file system: the kernel may hold writes back and
   * trust its own sizes and times. Only where the binding `canBeExclusive`.
   */
  readonly exclusive: boolean
  /** A binding that can't tell the kernel leaves it alone, and lets the kernel cache nothing. */
  readonly invalidations: Invalidations
  /** What is kept for this process and the next. Absent: the mount ends with this process. */
  readonly kept?: Kept | undefined
  readonly clock: Clock
  readonly log: Logger
}

export interface Binding {
  readonly name: BindingName

  /** Whether `exclusive` means anything to it. */
  readonly canBeExclusive: boolean

  /**
   * Whether this machine and this user have what the binding needs.
   *
   * @throws LeasefsError NATIVE_MISSING, PERMISSION_DENIED or NOT_SUPPORTED, saying what to do
   */
  check(): Promise<void>

  /**
   * Mounts, and resolves when the kernel is being served. Unmounting is
   * umount(8)'s: the binding ends with the mount.
   *
   * @throws LeasefsError IO, PERMISSION_DENIED: it could not be mounted; nothing is left behind
   */
  serve(options: ServeOptions): Promise<Served>
}

export interface Served {
  /**
   * Resolves when the kernel has let go of the mount: it is out of the tree,
   * and whoever still used it after `umount -l` has gone. Absent where the
   * binding is not told: then the mount has gone when the mount table says so.
   */
  readonly gone?: Promise<void>

  /** Requests of the kernel that have not been answered, in no order. */
  underway(): Iterable<Underway>

  /**
   * To be called when the mount is gone, or is no longer to be served: lets go
   * of what keeps this process alive. Whoever still uses the mount gets ENOTCONN.
   */
  end(): void
}
