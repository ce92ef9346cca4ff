// What the process of a mount says while the mount is being taken away: how much
// has yet to be written, and at the end what was lost.

import { setTimeout as sleep } from 'node:timers/promises'
import { LeasefsError } from '../base/errors.js'
import { MountConversation } from './control/ask.js'
import type { HostMount } from './control/host-mounts.js'
import type { MountEnd, MountState } from './control/mount-state.js'
import { isServed, removeRecord } from './control/record.js'
import { busyPauseMs, idleEndMs, progressPauseMs } from './limits.js'
import { bytesText } from './table.js'

/** What became of what programs had written, as far as one can know. */
export interface Unmounted {
  /** Not written for good, or undefined: nobody can say. */
  readonly lostBytes: number | undefined
  /** What a person should know. */
  readonly notes: readonly string[]
}

export type Say = (line: string) => void

export class UnmountWatch {
  readonly #mount: HostMount
  readonly #conversation: MountConversation | undefined
  readonly #lostBefore: number
  #state: MountState | undefined
  #isOver = false
  #end: MountEnd | undefined

  /** To be begun before the mount is touched. Also of a mount that does not answer. */
  static async begin(mount: HostMount): Promise<UnmountWatch> {
    const conversation = mount.record && (await MountConversation.open(mount.record.socket).catch(() => undefined))
    const state = await conversation?.state().catch(() => undefined)
    return new UnmountWatch(mount, conversation, state)
  }

  private constructor(mount: HostMount, conversation: MountConversation | undefined, state: MountState | undefined) {
    this.#mount = mount
    this.#conversation = conversation
    this.#state = state
    this.#lostBefore = state?.lostBytes ?? 0
    void conversation?.ended.then(end => {
      this.#isOver = true
      this.#end = end
    })
  }

  /** What it said last; undefined if it has never answered. */
  get state(): MountState | undefined {
    return this.#state
  }

  async look(): Promise<void> {
    if (!this.#isOver) this.#state = (await this.#conversation?.state().catch(() => undefined)) ?? this.#state
  }

  /**
   * Until the process has ended, or serves on for someone elsewhere.
   *
   * @throws LeasefsError TIMEOUT: it has had its time
   */
  async ended(limitMs: number, say: Say): Promise<Unmounted> {
    const { record, mountPoint } = this.#mount
    if (!record) return { lostBytes: undefined, notes: [] }
    const [end, idleUntil] = [performance.now() + limitMs, performance.now() + idleEndMs]
    let said = ''
    while (isServed(record)) {
      if (performance.now() >= end) {
        throw new LeasefsError('TIMEOUT', `${mountPoint} is unmounted, but process ${record.daemon.pid} has not ended`)
      }
      await sleep(this.#isOver || !this.#conversation ? busyPauseMs : progressPauseMs)
      await this.look()
      if (this.#isOver) continue
      const dirty = this.#state?.dirtyBytes
      if (dirty === 0 && performance.now() >= idleUntil) return this.#servedOn(record.daemon.pid)
      const line = dirty ? `${mountPoint}: ${bytesText(dirty)} have yet to be written` : ''
      if (line && line !== said) say(line)
      said = line
    }
    removeRecord(record)
    return this.#outcome()
  }

  close(): void {
    this.#conversation?.close()
  }

  /** It is out of this tree, and everything was written. */
  #servedOn(pid: number): Unmounted {
    const notes = [`process ${pid} serves it on: it is still mounted in another mount namespace (a container?)`]
    return { lostBytes: (this.#state?.lostBytes ?? 0) - this.#lostBefore, notes }
  }

  /** What the process said last, and if it could not, what it had said before. */
  #outcome(): Unmounted {
    const [end, state] = [this.#end, this.#state]
    if (end)
      return { lostBytes: end.lostBytes - this.#lostBefore, notes: end.failure === undefined ? [] : [end.failure] }
    if (!state) return { lostBytes: undefined, notes: [] }
    return { lostBytes: state.dirtyBytes + state.lostBytes - this.#lostBefore, notes: [] }
  }
}
