// Taking a mount on this host away, from outside its process: in order, or at
// any cost. Nothing here touches a file of the mount: that might wait for ever.

import { setTimeout as sleep } from 'node:timers/promises'
import { LeasefsError } from '../base/errors.js'
import { silentLog } from '../base/log.js'
import { Connection } from '../fuse/bindings/kernel/connection.js'
import { isMounted } from '../fuse/mount-table.js'
import { tryUnmount, unmountLazily } from '../fuse/unmount.js'
import { endProcesses } from './control/end-processes.js'
import { askHostMount, type HostMount } from './control/host-mounts.js'
import { removeRecord } from './control/record.js'
import { busyPauseMs, endWaitMs, forcedEndMs, killedEndMs } from './limits.js'
import { standingText, usersText } from './mounts-text.js'
import { type Say, type Unmounted, UnmountWatch } from './unmount-watch.js'

/**
 * As umount(8), and then waits until the process has written everything.
 *
 * @throws LeasefsError LOCKED: in use for longer than `busyMs`, nothing was changed; UNAVAILABLE: its process does not
 * run; IO; TIMEOUT: it is unmounted, and its process has not ended
 */
export async function unmountInOrder(mount: HostMount, busyMs: number, say: Say): Promise<Unmounted> {
  const asked = await askHostMount(mount)
  if (asked.standing === 'gone') return detachDead(mount)
  if (asked.standing === 'stopped' || asked.standing === 'silent') {
    throw new LeasefsError('UNAVAILABLE', `${mount.mountPoint}: ${standingText(asked)}: --force does without it`)
  }
  const watch = await UnmountWatch.begin(mount)
  try {
    if (mount.attached) await detachUnused(mount, busyMs, watch, say)
    return await watch.ended(endWaitMs, say)
  } finally {
    watch.close()
  }
}

/**
 * Takes the mount out of the tree: whoever is in it is served on (kernel binding).
 *
 * @throws LeasefsError IO
 */
export async function detach(mount: HostMount): Promise<Unmounted> {
  const users = await usersText(mount.mountPoint)
  if (mount.attached) await unmountLazily(mount.mountPoint)
  return { lostBytes: 0, notes: users ? [`still used by ${users}`] : [] }
}

/**
 * Cuts the mount off from its process, so that whatever waits in it is answered,
 * takes it out of the tree, and ends the process.
 *
 * @throws LeasefsError NOT_PERMITTED: it is another user's; IO; TIMEOUT: its process can not be ended
 */
export async function unmountForcibly(mount: HostMount, say: Say): Promise<Unmounted> {
  const { record, mountPoint, attached } = mount
  const watch = await UnmountWatch.begin(mount)
  try {
    const isCut = cutOff(mount)
    const users = await usersText(mountPoint, watch.state)
    if (attached && isCut) await unmountLazily(mountPoint)
    if (record) await endProcesses(record, forcedEndMs)
    // Without its process the kernel cuts it off by itself.
    if (attached && !isCut) await unmountLazily(mountPoint)
    const { lostBytes, notes } = await watch.ended(killedEndMs, say)
    const was = users ? [`it was used by ${users}: they get ENOTCONN`] : []
    return { lostBytes, notes: [...was, ...notes] }
  } finally {
    watch.close()
  }
}

/**
 * A mount without a process: "Transport endpoint is not connected", or no answer at all, while a thread of the process
 * that can't be killed holds it still. So it is cut off first.
 *
 * @throws LeasefsError IO
 */
export async function detachDead(mount: HostMount): Promise<Unmounted> {
  cutOff(mount)
  if (mount.attached) await unmountLazily(mount.mountPoint)
  if (mount.record) removeRecord(mount.record)
  return { lostBytes: 0, notes: ['its process had ended before: what was neither fsynced nor closed then is lost'] }
}

/** Whoever waits in it is answered. False: it can't be done. */
function cutOff({ device }: HostMount): boolean {
  return new Connection(device, silentLog).abort()
}

async function detachUnused({ mountPoint }: HostMount, busyMs: number, watch: UnmountWatch, say: Say): Promise<void> {
  const end = performance.now() + busyMs
  let said = ''
  for (;;) {
    const error = await tryUnmount(mountPoint)
    if (!error || !(await isMounted(mountPoint))) return
    if (!/busy/i.test(error)) throw new LeasefsError('IO', `${mountPoint} can't be unmounted: ${error}`)
    await watch.look()
    const users =
      (await usersText(mountPoint, watch.state)) || 'processes that this user can not see, or another mount in it'
    if (performance.now() >= end) {
      throw new LeasefsError('LOCKED', `${mountPoint} is in use, and was left as it is: ${users}`)
    }
    if (users !== said) say(`${mountPoint} is in use: ${users}`)
    said = users
    await sleep(busyPauseMs)
  }
}
