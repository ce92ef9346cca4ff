// Taking back what the kernel caches, when another mount has changed it.
//
// The kernel remembers names and attributes for as long as it was told, at most
// until the client's lease ends, and pages for as long as the file looks
// unchanged. A notification makes it ask again at once.
//
// That of attributes takes no locks. With them gone the kernel asks before it
// serves another page to read(2), and drops the pages itself if the file has changed.
//
// Neither does that which takes back all names there are at once. Kernels before
// Linux 6.16 have to be told each name; and any kernel those of a directory that is
// being listed, as it begins to remember them after it has the answer.
//
// That of one name, and that of pages, take locks that a request of this very mount
// may hold until we answer it, so they run beside everything else, a few at a time; and
// where this mount has requests under way in the inode, or such a request comes
// meanwhile, nobody waits for them: two mounts that work in one directory would
// otherwise wait for one another. A thread that waits for such a lock can't be killed:
// if this process is, it ends only when the kernel gives up the requests that the lock
// is held for, and no other process can go on with the mount before. So pages,
// which matter to mmap(2) alone, are not taken back at all before such requests have
// ended, and names all at once where the kernel knows how.

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
  /** Undefined: it has not been tried yet. */
  #takesAllNames: boolean | undefined
  /** About to be asked for. */
  #allNames: Promise<boolean> | undefined

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
    await Promise.all(Array.from(all, ino => this.#invalidate(ino)))
  }

  /** The kernel believes these names of the directory no more. */
  async forgetNames(directory: Ino, names: readonly Buffer[]): Promise<void> {
    if (names.length === 0) return
    const isListed = this.#known.isBeingListed(directory)
    if (!(await this.#allNamesGone()) || isListed) await this.#sendNames(directory, names)
  }

  async #invalidate(ino: Ino): Promise<void> {
    const names = this.#known.takeNames(ino)
    const isKnown = this.#known.has(ino)
    const isListed = this.#known.isBeingListed(ino)
    const done = [isKnown ? this.#pagesGone(ino) : undefined]
    const [areGone] = await Promise.all([
      names.length === 0 || this.#allNamesGone(),
      isKnown && this.#device.notify(attributesMessage(ino)),
    ])
    if (!areGone || isListed) done.push(this.#sendNames(ino, names))
    await this.#unlessBusy(ino, Promise.all(done))
  }

  /** False: this kernel does not know how (before Linux 6.16), so each has to be named. Asked for at once by many, it is done once. */
  async #allNamesGone(): Promise<boolean> {
    if (this.#takesAllNames === false) return false
    this.#allNames ??= Promise.resolve().then(() => {
      this.#allNames = undefined
      // Also those that it was told of a moment ago: an entry counts as of when it was asked for.
      if (this.#takesAllNames) this.#known.dropNames()
      return this.#device.notify(namesMessage)
    })
    this.#takesAllNames = await this.#allNames
    return this.#takesAllNames
  }

  async #sendNames(directory: Ino, names: readonly Buffer[]): Promise<void> {
    await Promise.all(names.map(name => this.#send(entryMessage(directory, name))))
  }

  #pagesGone(ino: Ino): Promise<void> {
    return new Promise(resolve => {
      this.#inFlight.whenIdle(ino, () => this.#send(pagesMessage(ino)).then(resolve))
    })
  }

  /** Resolves when `done` does, or when a request that may hold the locks it takes is under way. */
  async #unlessBusy(ino: Ino, done: Promise<unknown>): Promise<void> {
    if (this.#inFlight.isBusy(ino)) return
    const busy = deferred<void>()
    const cancel = this.#inFlight.onBusy(ino, () => busy.resolve())
    await Promise.race([done, busy.promise])
    cancel()
  }

  #send(message: Buffer): Promise<void> {
    const sent = deferred<void>()
    this.#waiting.push(() => this.#device.notify(message).then(() => sent.resolve()))
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

/** All names, of all directories. */
const namesMessage = message(notifyCodes.INC_EPOCH, Buffer.alloc(0))
