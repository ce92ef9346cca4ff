// The kernel binding: the FUSE protocol spoken on /dev/fuse, without a library
// between. For root on Linux.
//
// It knows who asks and how a file was opened, carries times, flags, locks and
// allocations as they are, and tells the kernel when another mount has changed
// what it caches.

import { LeasefsError } from '../../../base/errors.js'
import type { Ino } from '../../../client/file-system.js'
import { listMounts, mountAt } from '../../mount-table.js'
import type { Binding, Served, ServeOptions } from '../binding.js'
import { attributeCalls, xattrCalls } from './attribute-calls.js'
import { Connection } from './connection.js'
import type { Context } from './context.js'
import { FuseDevice } from './device.js'
import { directoryCalls } from './directory-calls.js'
import { fileCalls } from './file-calls.js'
import { InFlight } from './in-flight.js'
import { KernelCache } from './kernel-cache.js'
import { Known } from './known.js'
import { lockCalls } from './lock-calls.js'
import { mountDevice } from './mounting.js'
import { nameCalls } from './name-calls.js'
import { type CallTable, Session } from './session.js'
import { resend, UnansweredCalls } from './takeover.js'

export const kernel: Binding = {
  name: 'kernel',
  canBeExclusive: true,

  async check() {
    if (process.platform !== 'linux') throw new LeasefsError('NOT_SUPPORTED', 'the kernel binding is for Linux')
    if (process.getuid?.() !== 0) {
      throw new LeasefsError('PERMISSION_DENIED', 'the kernel binding is for root: mount with --binding fuse-native')
    }
  },

  async serve(options: ServeOptions): Promise<Served> {
    const { mountPoint, operations, exclusive, invalidations, kept, clock, log } = options
    const goesOn = kept?.goesOn ?? false
    const device = new FuseDevice(goesOn && kept ? kept.device : await mountDevice(options), log)
    const connection = new Connection(mountAt(mountPoint, await listMounts())?.device, log)
    const inFlight = new InFlight(clock)
    const known: Known = new Known((directory: Ino, names) => void cache.forgetNames(directory, names))
    const cache = new KernelCache(device, known, inFlight)
    const calls = callTable({ operations, known, exclusive })
    const outcomes = kept?.survival
    const session = new Session({ device, calls, known, inFlight, exclusive, goesOn, outcomes, clock, log })
    if (goesOn) known.mayKnowAny()
    // Threads of the pool wait for requests, and a process that exits waits for its threads.
    const atExit = () => {
      if (!connection.abort()) process.kill(process.pid, 'SIGKILL')
    }
    process.once('exit', atExit)
    invalidations.listen(inos => cache.invalidate(inos))
    // Before anything is read: what we have read ourselves would be sent again, too.
    const unanswered = kept && new UnansweredCalls(kept.survival.map)
    if (kept && unanswered && goesOn && !(await resend(kept.device))) {
      unanswered.failInherited(device)
      session.note(unanswered)
    }
    let mounted = true
    const gone = session.run().finally(() => {
      mounted = false
      process.off('exit', atExit)
    })
    try {
      const agreed = goesOn ? undefined : await session.agreed
      if (agreed && unanswered && !agreed.features.has('HAS_RESEND')) session.note(unanswered)
    } catch (reason) {
      connection.abort()
      throw reason
    }
    if (!goesOn) connection.raiseReadAhead()
    return {
      gone,
      underway: () => inFlight.underway(),
      end() {
        // Another mount may have the numbers of one that has gone.
        if (mounted) connection.abort()
        void gone.then(() => device.close())
      },
    }
  },
}

export function callTable(context: Context): CallTable {
  return {
    ...nameCalls(context),
    ...attributeCalls(context),
    ...xattrCalls(context),
    ...fileCalls(context),
    ...directoryCalls(context),
    ...lockCalls(context),
  }
}
