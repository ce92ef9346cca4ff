// The keeper of a mount: holds what must outlive the worker that serves it, and
// sees to it that there is a worker. One that is killed, or crashes, is replaced
// by another that goes on where it was; one that ends by itself ends the mount.

import type { Clock } from '../base/clock.js'
import { deferred } from '../base/deferred.js'
import type { Logger } from '../base/log.js'
import { type Exit, exitText } from './exit.js'
import {
  secondSignalMs,
  shutdownMs,
  workerDeathsMax,
  workerEndMs,
  workerPauseMsMax,
  workerPauseMsMin,
  workerSteadyMs,
} from './limits.js'

/** A process that serves the mount. */
export interface Worker {
  readonly pid: number
  /** Resolves when it serves. */
  readonly ready: Promise<void>
  readonly ended: Promise<Exit>
  signal(signal: NodeJS.Signals): void
}

export interface KeeperOptions {
  /** `goesOn`: with what another has left. */
  readonly start: (goesOn: boolean) => Worker
  readonly clock: Clock
  readonly log: Logger
}

export class Keeper {
  readonly #options: KeeperOptions
  readonly #stopping = deferred<void>()
  #worker: Worker | undefined
  /** Undefined: the worker does not serve yet. */
  #readyAt: number | undefined
  #hasServed = false
  #stopSignal: NodeJS.Signals | undefined
  #stopAt = 0
  #killed = false
  /** The worker was told to leave the mount to another. */
  #handingOver = false
  /** Workers that have died one after the other, each soon after its start. */
  #deaths = 0

  constructor(options: KeeperOptions) {
    this.#options = options
  }

  /** Resolves with the exit code when the mount has ended. */
  async run(): Promise<number> {
    const { clock, log } = this.#options
    for (;;) {
      const worker = this.#start()
      const exit = await worker.ended
      this.#worker = undefined
      if (exit.code !== null) return exit.code
      if (this.#killed) return 1
      const what = { worker: worker.pid, exit: exitText(exit) }
      if (this.#handingOver) {
        this.#handingOver = false
        log.info(what, 'the worker has handed over')
        continue
      }
      if (!this.#hasServed) return this.#stopSignal === undefined ? this.#lost(what, 'the worker has died') : 0
      const servedMs = this.#readyAt === undefined ? 0 : clock.now() - this.#readyAt
      this.#deaths = servedMs >= workerSteadyMs ? 1 : this.#deaths + 1
      if (this.#deaths > workerDeathsMax) return this.#lost(what, 'worker after worker has died: the mount is given up')
      log.warn(what, 'the worker has died: another goes on')
      await clock.sleep(this.#pauseMs())
      if (this.#killed) return 1
    }
  }

  /** A signal that means "end": the worker takes it in order, or at a second one at once. */
  stop(signal: NodeJS.Signals): void {
    const { clock } = this.#options
    const isFirst = this.#stopSignal === undefined
    this.#stopSignal ??= signal
    if (isFirst) this.#stopAt = clock.now()
    this.#worker?.signal(signal)
    // The worker bounds its end itself, unless something keeps it from running at all.
    if (isFirst) clock.after(shutdownMs + workerEndMs, () => this.#stopping.resolve())
    else if (!this.#serves && clock.now() - this.#stopAt >= secondSignalMs) this.#stopping.resolve()
  }

  /** The worker, if it serves, leaves the mount to another, which is started from the program as it is on the disk. */
  handOver(): void {
    if (!this.#worker || this.#readyAt === undefined || this.#handingOver) return
    this.#handingOver = true
    this.#worker.signal('SIGUSR2')
  }

  /** Whether a signal has asked for the end. */
  get isStopping(): boolean {
    return this.#stopSignal !== undefined
  }

  /** A worker that goes on for another has not begun to: it dies of signals, or takes them for the first. */
  get #serves(): boolean {
    return !this.#hasServed || this.#readyAt !== undefined
  }

  /** Resolves when a worker that was told to end has not, though it should have long ago, or is to at once and does not serve yet. */
  get overdue(): Promise<void> {
    return this.#stopping.promise
  }

  /** Ends the worker as it is, for good: run() resolves. */
  kill(): void {
    this.#killed = true
    this.#worker?.signal('SIGKILL')
  }

  #start(): Worker {
    const isFirst = !this.#hasServed
    const worker = this.#options.start(!isFirst)
    this.#worker = worker
    this.#readyAt = undefined
    void worker.ready.then(() => {
      this.#hasServed = true
      this.#readyAt = this.#options.clock.now()
      const { log } = this.#options
      if (isFirst) log.info({ worker: worker.pid }, 'the worker serves')
      else log.warn({ worker: worker.pid }, 'the worker was replaced: the mount goes on')
      // Before this it would have died of the signal.
      if (!isFirst && this.#stopSignal) worker.signal(this.#stopSignal)
    })
    return worker
  }

  #lost(what: object, message: string): number {
    this.#options.log.error(what, message)
    return 1
  }

  /** None after the first death. */
  #pauseMs(): number {
    return this.#deaths <= 1 ? 0 : Math.min(workerPauseMsMin * 2 ** (this.#deaths - 2), workerPauseMsMax)
  }
}
