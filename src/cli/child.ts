// A daemon run as a process of its own, by `leasefs up` and by the tests of real
// clusters: started, awaited until it says "ready", stopped by signal.
//
// It gets a session of its own, so that a Ctrl-C in the terminal reaches only
// the parent, which knows the order; and a pipe as standard input, whose end
// tells it that the parent is gone.

import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { deferred } from '../base/deferred.js'
import { LeasefsError } from '../base/errors.js'
import { type Exit, exitText } from './exit.js'
import { readyTimeoutMs, stopTimeoutMs } from './limits.js'

export type DaemonName = 'leasefs-master' | 'leasefs-chunkserver' | 'leasefs-mount'

const lastLinesMax = 20

export interface ChildOptions {
  /** For people: "chunkserver-2". */
  readonly label: string
  readonly program: DaemonName
  readonly args: readonly string[]
  /** How long it goes on after this process is gone. */
  readonly exitWithParentMs: number
  /** Gets each line the daemon prints. */
  readonly onLine: (line: string) => void
  /** What runs the program: by default the Node that runs us. */
  readonly command?: readonly [string, ...string[]]
}

/**
 * The Node that runs us, with the option that the programs name in their first
 * line. Collecting garbage on helper threads as well takes the cores from the
 * other daemons of the machine: without them a cluster on two cores wrote a
 * fifth more (docs/OPERATING.md).
 */
const daemonCommand: readonly [string, ...string[]] = [process.execPath, '--single-threaded-gc']

export class Child {
  readonly label: string
  readonly program: DaemonName
  /** Settles, once, when the process is gone and all its output has been read. */
  readonly exited: Promise<Exit>
  /** What follows "ready, ". Rejects, naming the reason, if the daemon ends before or takes too long. */
  readonly ready: Promise<string>
  readonly #process: ChildProcess
  readonly #lastLines: string[] = []
  #isReady = false

  constructor({ label, program, args, exitWithParentMs, onLine, command = daemonCommand }: ChildOptions) {
    this.label = label
    this.program = program
    const file = fileURLToPath(new URL(`../../../bin/${program}`, import.meta.url))
    const [node, ...nodeArgs] = command
    const all = [...nodeArgs, file, ...args, '--exit-with-parent', `${exitWithParentMs}ms`]
    const child = spawn(node, all, { detached: true, stdio: ['pipe', 'pipe', 'pipe'] })
    this.#process = child
    child.stdin.on('error', () => {}) // It is gone: `exited` tells.

    const ready = deferred<string>()
    const exited = deferred<Exit>()
    this.ready = ready.promise
    this.exited = exited.promise
    this.ready.catch(() => {}) // Whoever does not wait for it may still wait for `exited`.

    const takeLine = (line: string) => {
      this.#lastLines.push(line)
      if (this.#lastLines.length > lastLinesMax) this.#lastLines.shift()
      onLine(line)
    }
    const prefix = `${program}: ready, `
    eachLine(child.stdout, line => {
      takeLine(line)
      if (!line.startsWith(prefix)) return
      this.#isReady = true
      ready.resolve(line.slice(prefix.length))
    })
    eachLine(child.stderr, takeLine)

    const tooLate = setTimeout(
      () => ready.reject(new LeasefsError('TIMEOUT', `${label} is not ready after ${readyTimeoutMs} ms`)),
      readyTimeoutMs,
    )
    this.ready.then(
      () => clearTimeout(tooLate),
      () => clearTimeout(tooLate),
    )
    child.once('error', error => {
      ready.reject(new LeasefsError('IO', `cannot start ${file}: ${error.message}`))
      if (child.pid === undefined) exited.resolve({ code: null, signal: null })
    })
    child.once('close', (code, signal) => {
      ready.reject(new LeasefsError('UNAVAILABLE', `${label} did not start: ${this.#lastWords({ code, signal })}`))
      exited.resolve({ code, signal })
    })
  }

  get pid(): number {
    return this.#process.pid ?? 0
  }

  get isRunning(): boolean {
    return this.#process.exitCode === null && this.#process.signalCode === null && this.#process.pid !== undefined
  }

  /** Whether it has said so, even if it has ended since. */
  get isReady(): boolean {
    return this.#isReady
  }

  /** What it printed last, for error messages. */
  get lastLines(): readonly string[] {
    return this.#lastLines
  }

  /** Sends a signal; `SIGSTOP` and `SIGCONT` as well. */
  kill(signal: NodeJS.Signals): void {
    if (this.isRunning) this.#process.kill(signal)
  }

  /** Asks it to end, and kills it if it does not in time. */
  async stop(): Promise<Exit> {
    this.kill('SIGTERM')
    const timer = setTimeout(() => this.kill('SIGKILL'), stopTimeoutMs)
    try {
      return await this.exited
    } finally {
      clearTimeout(timer)
    }
  }

  /** The one line in which it said why it ended, without its name. */
  #lastWords(exit: Exit): string {
    const line = this.#lastLines.findLast(line => line.startsWith(`${this.program}: `))
    return line?.slice(this.program.length + 2) ?? exitText(exit)
  }
}

function eachLine(stream: Readable, take: (line: string) => void): void {
  createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY }).on('line', take)
}
