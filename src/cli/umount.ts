// leasefs umount: takes a mount on this host away, and says what became of what
// was written to it.

import { type Command, Option } from 'commander'
import { LeasefsError } from '../base/errors.js'
import { hour } from '../base/units.js'
import { type HostMount, hostMountAt } from './control/host-mounts.js'
import { ownUid } from './control/runtime-directory.js'
import { busyWaitDefaultMs } from './limits.js'
import { duration } from './options.js'
import { bytesText } from './table.js'
import type { Unmounted } from './unmount-watch.js'
import { detach, unmountForcibly, unmountInOrder } from './unmounting.js'

interface Options {
  readonly force?: boolean
  readonly lazy?: boolean
  readonly wait: number
}

/** Exit code: it is unmounted, and something that was written is lost, or nobody can say. */
const lostCode = 2

export function addUmountCommand(parent: Command): void {
  parent
    .command('umount')
    .description('take a mount on this host away, once all that was written to it has been written')
    .argument('<directory>', 'where it is mounted')
    .addOption(new Option('--force', 'at once and at any cost: whatever waits in it fails').conflicts('lazy'))
    .option('--lazy', 'take it out of the tree now; whoever is in it goes on')
    .option('--wait <time>', 'how long to wait while it is in use', duration(0, hour), busyWaitDefaultMs)
    .action(umount)
}

async function umount(directory: string, { force, lazy, wait }: Options): Promise<void> {
  const say = (line: string) => void process.stderr.write(`${line}\n`)
  const mount = await mountAtDirectory(directory)
  process.chdir('/') // We may have been called from inside.
  if (force) conclude(mount, await unmountForcibly(mount, say))
  else if (lazy) conclude(mount, await detach(mount))
  else conclude(mount, await unmountInOrder(mount, wait, say))
}

function conclude({ mountPoint }: HostMount, { lostBytes, notes }: Unmounted): void {
  const lost =
    lostBytes === undefined
      ? ['what had been written and neither fsynced nor closed may be lost: its process could not say']
      : lostBytes > 0
        ? [`lost: ${bytesText(lostBytes)} that had been written and neither fsynced nor closed`]
        : []
  process.stdout.write(`${[`${mountPoint}: unmounted`, ...notes, ...lost].join('\n  ')}\n`)
  if (lost.length > 0) process.exitCode = lostCode
}

/** @throws LeasefsError NOT_FOUND: no mount of leasefs is there; NOT_PERMITTED: it is another user's; TIMEOUT */
async function mountAtDirectory(directory: string): Promise<HostMount> {
  const found = await hostMountAt(directory)
  if (!found) throw new LeasefsError('NOT_FOUND', `no mount of leasefs is on ${directory}`)
  if (ownUid() !== 0 && found.uid !== ownUid()) {
    throw new LeasefsError('NOT_PERMITTED', `the mount on ${directory} is another user's`)
  }
  return found
}
