// What the kernel is told when a process goes on with a mount that another has
// served (FUSE_NOTIFY_*, <linux/fuse.h>).

import { write } from 'node:fs'
import type { Clock } from '../../../base/clock.js'
import type { Logger } from '../../../base/log.js'
import type { SurvivingMap } from '../../../base/surviving-map.js'
import type { Ino } from '../../../client/file-system.js'
import { clientLeaseMs, rootIno } from '../../../constants.js'
import { errnoOf } from '../../errno.js'
import type { Device } from './device.js'
import { notifyCodes } from './protocol.js'
import { invalInodeOut, outHeader } from './structs.js'

/** An offset that means: the attributes, and no pages. The pages of a file go when its time or size is seen to have changed. */
const noPages = -1

/**
 * Resolves when the kernel believes nothing any more that another mount may have
 * changed since the earlier process died: it asks again for every name, and for
 * the attributes of `inos`, which are open. To be called before the master hears
 * of us: it then takes all of that for dropped.
 *
 * Before Linux 6.16 names can't be taken back all at once: there it resolves when
 * they have run out.
 */
export async function forgetEverything(device: number, inos: Iterable<Ino>, clock: Clock, log: Logger): Promise<void> {
  const names = await notify(device, notifyCodes.INC_EPOCH)
  if (!names) {
    log.info('this kernel does not take names back all at once: they are waited for to run out')
    await clock.sleep(clientLeaseMs)
  }
  for (const ino of new Set([rootIno as Ino, ...inos])) {
    await notify(device, notifyCodes.INVAL_INODE, invalInodeOut.encode({ ino, off: noPages, len: 0 }))
  }
}

/** Has the kernel send again what the earlier process has not answered. False: it can't, and whoever waits for it is to be told. */
export function resend(device: number): Promise<boolean> {
  return notify(device, notifyCodes.RESEND)
}

/**
 * The calls that have not been answered, for a kernel that does not send them
 * again (Linux before 6.9): the next process fails them, as nobody else would.
 */
export class UnansweredCalls {
  readonly #map: SurvivingMap

  constructor(map: SurvivingMap) {
    this.#map = map
  }

  begin(unique: number): void {
    this.#map.put(`${unanswered}${unique}`, 0)
  }

  end(unique: number): void {
    this.#map.forget(`${unanswered}${unique}`)
  }

  /** Answers what an earlier process has left with EIO: nobody knows whether it was done. */
  failInherited(device: Pick<Device, 'answer'>): void {
    for (const { key } of this.#map.inherited) {
      if (!key.startsWith(unanswered)) continue
      const unique = Number(key.slice(unanswered.length))
      device.answer([outHeader.encode({ len: outHeader.size, error: -errnoOf.IO, unique })])
      this.end(unique)
    }
  }
}

const unanswered = 'call/'

/** Whether the kernel has done it. None of these waits for locks that a request may hold. */
function notify(device: number, code: number, body: Buffer = Buffer.alloc(0)): Promise<boolean> {
  const head = outHeader.encode({ len: outHeader.size + body.length, error: code, unique: 0 })
  const message = Buffer.concat([head, body])
  return new Promise(resolve => write(device, message, 0, message.length, null, error => resolve(!error)))
}
