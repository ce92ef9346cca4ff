// Taking back what the kernel caches, when another mount has changed it.
//
// The kernel remembers names and attributes for as long as it was told, at most
// until the client's lease ends, and pages for as long as the file looks
// unchanged. A notification makes it ask again at once.
//
// That of attributes takes no locks. With them gone the kernel asks before it
// serves another page to read(2), and drops the pages itself if the file has changed.
//
// Those of names and pages take locks that a request of this very mount may hold
// until we answer it, so they run beside everything else, a few at a time; and
// where this mount has requests under way in the inode, or such a request comes
// meanwhile, nobody waits for them: two mounts that work in one directory would
// otherwise wait for one another. Pages, which matter to mmap(2) alone, are not
// taken back at all before such requests have ended: a thread that waits for a
// page can't be killed, and with it this process could not be, nor would the kernel
// give up the requests that it waits for.

import { deferred } from '../../../base/deferred.js'
import type { Ino } from '../../../client/file-system.js'
import type { Device } from './device.js'
import type { InFlight } from './in-flight.js'
import type { Known } from './known.js'
import { notificationsMax } from './limits.js'
import { notifyCodes } from './protocol.js'
import { invalEntryOut, invalInodeOut, outHeader } from './structs.js'

export class KernelCache {
  readonly #device: Pick<Device, 'notify'>
  readonly #known: Known
  readonly #inFlight: Pick<InFlight, 'isBusy' | 'onBusy' | 'whenIdle'>
  readonly #waiting: (() => Promise<void>)[] = []
  #running = 0

  constructor(
    device: Pick<Device, 'notify'>,
    known: Known,
    inFlight: Pick<InFlight, 'isBusy' | 'onBusy' | 'whenIdle'>,
  ) {
    this.#device = device
    this.#known = known
    this.#inFlight = inFlight
  }

  /** Resolves when the kernel serves nothing old of these, but for those that this mount is busy with. */
  async invalidate(inos: readonly Ino[] | 'all'): Promise<void> {
    if (inos !== 'all') {
      await Promise.all(inos.map(ino => this.#invalidate(ino)))
      return
    }
    const all = new Set([...this.#known.inodes(), ...this.#known.directories()])
    await Promise.all([this.#device.notify(namesMessage), ...Array.from(all, ino => this.#invalidate(ino))])
  }

  /** The kernel forgets these names of the directory. */
  async forgetNames(directory: Ino, names: readonly Buffer[]): Promise<void> {
    await Promise.all(names.map(name => this.#send(entryMessage(directory, name))))
  }

  async #invalidate(ino: Ino): Promise<void> {
    const names = this.#known.takeNames(ino)
    const done = [this.forgetNames(ino, names)]
    const isKnown = this.#known.has(ino)
    if (isKnown) done.push(this.#pagesGone(ino))
    await Promise.all([
      isKnown && this.#device.notify(attributesMessage(ino)),
      this.#unlessBusy(ino, Promise.all(done), names.length > 0),
    ])
  }

  #pagesGone(ino: Ino): Promise<void> {
    return new Promise(resolve => {
      this.#inFlight.whenIdle(ino, () => this.#send(pagesMessage(ino)).then(resolve))
    })
  }

  /** Resolves when `done` does. If a request is under way that may hold the locks it takes, all names are taken back instead: that takes none. */
  async #unlessBusy(ino: Ino, done: Promise<unknown>, hasNames: boolean): Promise<void> {
    const busy = deferred<void>()
    const cancel = this.#inFlight.isBusy(ino) ? undefined : this.#inFlight.onBusy(ino, () => busy.resolve())
    if (!cancel) busy.resolve()
    const isDone = await Promise.race([busy.promise.then(() => false), done.then(() => true)])
    cancel?.()
    if (!isDone && hasNames) await this.#device.notify(namesMessage)
  }

  #send(message: Buffer): Promise<void> {
    const sent = deferred<void>()
    this.#waiting.push(() => this.#device.notify(message).then(sent.resolve))
    this.#pump()
    return sent.promise
  }

  #pump(): void {
    while (this.#running < notificationsMax) {
      const next = this.#waiting.shift()
      if (!next) return
      this.#running++
      void next().finally(() => {
        this.#running--
        this.#pump()
      })
    }
  }
}

/** Before the first byte: no pages. */
function attributesMessage(ino: Ino): Buffer {
  return message(notifyCodes.INVAL_INODE, invalInodeOut.encode({ ino, off: -1, len: 0 }))
}

/** From the first byte to the last. */
function pagesMessage(ino: Ino): Buffer {
  return message(notifyCodes.INVAL_INODE, invalInodeOut.encode({ ino, off: 0, len: 0 }))
}

function entryMessage(parent: Ino, name: Buffer): Buffer {
  const head = invalEntryOut.encode({ parent, namelen: name.length })
  return message(notifyCodes.INVAL_ENTRY, Buffer.concat([head, name, Buffer.of(0)]))
}

function message(code: number, body: Buffer): Buffer {
  return Buffer.concat([outHeader.encode({ len: outHeader.size + body.length, error: code, unique: 0 }), body])
}

/** All names, of all directories. Kernels before Linux 6.16 do not know it: there a name that a busy mount was told of may be believed until its time is up. */
const namesMessage = message(notifyCodes.INC_EPOCH, Buffer.alloc(0))
