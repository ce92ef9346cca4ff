// Puts a mount and the socket together by which others on this host ask it.

import type { Clock } from '../../base/clock.js'
import { LeasefsError } from '../../base/errors.js'
import type { Logger } from '../../base/log.js'
import type { InodeFileSystem } from '../../client/inode-file-system.js'
import type { Mount } from '../../fuse/mount.js'
import { listMounts, mountAt } from '../../fuse/mount-table.js'
import { mountState } from './mount-state.js'
import { processNamed } from './processes.js'
import { openControl } from './server.js'

export interface ControlledMount {
  readonly fileSystem: Pick<InodeFileSystem, 'state'>
  readonly mounted: Pick<Mount, 'mountPoint' | 'binding' | 'underway'>
  /** As the mount table has it. */
  readonly source: string
  /** The process that gets the signals. */
  readonly daemonPid: number
  readonly clock: Clock
  readonly log: Logger
}

export interface MountControl {
  /** Waits for the end of the file system and tells whoever asks how it ended. @throws what `closing` throws */
  close(closing: Promise<void>): Promise<void>
}

/** Where there is no mount table, and no /proc, nobody can ask. */
export async function controlMount(options: ControlledMount): Promise<MountControl> {
  const { fileSystem, mounted, source, daemonPid, clock, log } = options
  const { mountPoint, binding } = mounted
  const device = mountAt(mountPoint, await listMounts())?.device
  const [client, daemon] = [processNamed(process.pid), processNamed(daemonPid)]
  if (!device || !client || !daemon) return { close: closing => closing }
  const state = () => {
    const underway = mounted.underway()
    return mountState({ mountPoint, pid: client.pid, binding, client: fileSystem.state, underway }, clock.now())
  }
  const record = { mountPoint, device, source, daemon, client }
  const control = await openControl({ record, state, log })
  return {
    async close(closing) {
      const failure = await closing.then(
        () => undefined,
        reason => LeasefsError.from(reason),
      )
      const { lostBytes } = fileSystem.state
      await control.close({ lostBytes, ...(failure && { failure: failure.message }) })
      if (failure) throw failure
    },
  }
}
