// What mount.ts needs of a way to serve the kernel. Each binding is a folder
// here; which one is used is chosen in mount.ts and nowhere else.

import type { Logger } from '../../base/log.js'
import type { Operations } from '../operations.js'

export type BindingName = 'fuse-native'

export interface ServeOptions {
  readonly operations: Operations
  /** Absolute; an empty directory, not a mount point. */
  readonly mountPoint: string
  /** What mount(8) and df(1) show as the device. Without commas. */
  readonly source: string
  /** Whether users other than the one who mounts may use it. */
  readonly allowOther: boolean
  readonly log: Logger
}

export interface Binding {
  readonly name: BindingName

  /**
   * Whether this machine has what the binding needs.
   *
   * @throws LeasefsError NATIVE_MISSING or PERMISSION_DENIED, saying what to do
   */
  check(): Promise<void>

  /**
   * Mounts, and resolves when the kernel is being served. Unmounting is
   * umount(8)'s: the binding ends with the mount.
   */
  serve(options: ServeOptions): Promise<Served>
}

export interface Served {
  /** To be called when the mount is gone: lets go of what keeps this process alive. */
  end(): void
}
