// The life of a daemon process: start, say "ready" on stdout, serve until a
// signal (or the end of the parent, or a fatal error), take down in order, exit.
//
// SIGTERM, SIGINT and SIGHUP mean an orderly end and exit code 0. It is
// bounded: after `shutdownMs`, or at a second signal, the process ends at once
// with code 1. Nothing that was answered is lost either way.

import { type Clock, SystemClock } from '../base/clock.js'
import { deferred } from '../base/deferred.js'
import { LeasefsError } from '../base/errors.js'
import { type Logger, openLog } from '../base/log.js'
import { type Random, SystemRandom } from '../base/random.js'
import { openTrace, type Trace } from '../base/trace.js'
import { hour } from '../base/units.js'
import { TcpNetwork } from '../dataplane/tcp-network.js'
import { GrpcNetwork } from '../rpc/grpc-network.js'
import { abandonMs, secondSignalMs, shutdownMs } from './limits.js'
import type { DaemonOptions } from './options.js'
import { report } from './program.js'

/** What a daemon gets from its process. */
export interface Surroundings {
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
  readonly control: GrpcNetwork
  readonly data: TcpNetwork
  readonly trace: Trace | undefined
  /** Sets what traced events carry as `who`. */
  readonly identify: (who: () => string) => void
}

export interface Daemon {
  /** The rest of the line "NAME: ready, …". */
  readonly ready: string
  /** Settles when the daemon ends by itself; with an error if it had to. */
  readonly closed?: Promise<LeasefsError | undefined>
  close(): Promise<void>
  /** What must not stay behind when the process ends without close(). */
  abandon?(): Promise<void>
}

/** Runs a daemon for the whole life of the process, and ends the process; after a bug by `crash`. */
export async function runDaemon(
  name: string,
  options: DaemonOptions,
  start: (surroundings: Surroundings) => Promise<Daemon>,
  crash: (code: number) => void = process.exit,
): Promise<void> {
  const log = openLog(name, options.logLevel)
  setInterval(() => {}, hour) // The process ends when we say so, not when there happens to be nothing to wait for.
  let daemon: Daemon | undefined
  const stop = watchForStop(name, log, options.exitWithParent, async () => {
    const tooLong = new Promise<void>(resolve => setTimeout(resolve, abandonMs))
    await Promise.race([daemon?.abandon?.(), tooLong]).catch(reason => report(name, reason))
    process.exit(1)
  })
  process.on('uncaughtException', reason => {
    log.fatal({ err: reason }, 'a bug: this process ends')
    crash(report(name, reason))
  })
  try {
    const starting = start(surroundings(name, log, options.trace))
    await Promise.race([starting, stop.requested])
    daemon = await starting
    if (!stop.isRequested()) process.stdout.write(`${name}: ready, ${daemon.ready}\n`)
    const fatal = await Promise.race([stop.requested, ...(daemon.closed ? [daemon.closed] : [])])
    stop.bound()
    await daemon.close()
    if (fatal) throw fatal
    process.exit(0)
  } catch (reason) {
    process.exit(report(name, reason))
  }
}

function surroundings(name: string, log: Logger, traceFile: string | undefined): Surroundings {
  const clock = new SystemClock()
  let who = () => name
  return {
    clock,
    random: new SystemRandom(),
    log,
    control: new GrpcNetwork(clock, log),
    data: new TcpNetwork(clock, log),
    trace: traceFile === undefined ? undefined : traceTo(traceFile, clock, () => who()),
    identify: tell => {
      who = tell
    },
  }
}

function traceTo(file: string, clock: Clock, who: () => string): Trace {
  try {
    return openTrace(file, clock, who).trace
  } catch (reason) {
    throw new LeasefsError('IO', `cannot write the trace file ${file}: ${(reason as Error).message}`, { cause: reason })
  }
}

interface Stop {
  /** Resolves (with nothing) when the process is to end. */
  readonly requested: Promise<undefined>
  isRequested(): boolean
  /** From now on the end is due within shutdownMs. */
  bound(): void
}

function watchForStop(
  name: string,
  log: Logger,
  exitWithParentMs: number | undefined,
  endAtOnce: () => Promise<void>,
): Stop {
  const { promise: requested, resolve } = deferred<undefined>()
  let requestedAt: number | undefined
  let bounded = false

  const bound = () => {
    if (bounded) return
    bounded = true
    setTimeout(() => {
      process.stderr.write(`${name}: did not stop within ${shutdownMs} ms, ends now\n`)
      void endAtOnce()
    }, shutdownMs)
  }
  const request = (why: string) => {
    if (requestedAt !== undefined && performance.now() - requestedAt >= secondSignalMs) {
      process.stderr.write(`${name}: ${why} again, ends at once\n`)
      void endAtOnce()
    }
    if (requestedAt !== undefined) return
    requestedAt = performance.now()
    log.info({ why }, 'stopping')
    bound()
    resolve(undefined)
  }

  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => request(signal))
  if (exitWithParentMs !== undefined) {
    const parentGone = () => setTimeout(() => request('the end of the parent'), exitWithParentMs)
    process.stdin
      .once('close', parentGone)
      .on('error', () => {})
      .resume()
  }
  return { requested, isRequested: () => requestedAt !== undefined, bound }
}
