// How an operation is answered. A call runs and gives the result with what
// goes with it; whatever it throws becomes an errno here, and no throw gets
// into native code: there it would leave a thread of libfuse waiting for ever.

import { AssertionError } from 'node:assert/strict'
import type { Clock } from '../../../base/clock.js'
import type { Logger } from '../../../base/log.js'
import { errnoFrom } from '../../errno.js'
import type { UnderwayTable } from '../../underway.js'
import type { Addon, Calls, Handler, OperationName, RequestRecord } from './addon.js'
import type { Threads } from './threads.js'

export interface Request {
  readonly record: RequestRecord
  readonly opcode: number
}

export type Answer<Name extends OperationName> = readonly [result: number, ...reply: Calls[Name]['reply']]

export interface Call<Name extends OperationName> {
  run(request: Request, ...args: Calls[Name]['args']): Promise<Answer<Name>>
  /** What goes with an error. */
  failed(...args: Calls[Name]['args']): Calls[Name]['reply']
}

export type CallTable = { readonly [Name in OperationName]: Call<Name> }

type PlainName = { [Name in OperationName]: Calls[Name]['reply'] extends [] ? Name : never }[OperationName]

/** An operation that answers with success or an error and nothing else. */
export function plain<Name extends PlainName>(
  run: (...args: Calls[Name]['args']) => Promise<unknown>,
): { run(request: Request, ...args: Calls[Name]['args']): Promise<readonly [number]>; failed(): [] } {
  return {
    run: async (_request, ...args) => {
      await run(...args)
      return [0]
    },
    failed: () => [],
  }
}

interface Served {
  readonly log: Logger
  readonly threads: Threads
  readonly underway: UnderwayTable
  readonly clock: Clock
}

/** The addon's handler of one operation. */
export function handlerOf<Name extends OperationName>(
  addon: Addon,
  name: Name,
  call: Call<Name>,
  { log, threads, underway, clock }: Served,
): Handler {
  const signal = addon[`fuse_native_signal_${name}`] as (record: RequestRecord, ...answer: Answer<Name>) => void
  const handler = (record: RequestRecord, opcode: number, ...args: Calls[Name]['args']): void => {
    const path = typeof args[0] === 'string' ? args[0] : undefined
    const ended = underway.begin({ operation: name, since: clock.now(), ...(path !== undefined && { path }) })
    const answer = (...result: Answer<Name>) => {
      threads.requestEnded()
      ended()
      signal(record, ...result)
    }
    const fail = (reason: unknown) => {
      answer(-errnoFrom(reason), ...call.failed(...args))
      report(reason, name, log)
    }
    threads.requestBegun()
    try {
      call.run({ record, opcode }, ...args).then(result => answer(...result), fail)
    } catch (reason) {
      fail(reason)
    }
  }
  return handler as Handler
}

/** A broken invariant ends the process, once the caller has its EIO. */
function report(reason: unknown, name: OperationName, log: Logger): void {
  if (reason instanceof AssertionError || reason instanceof TypeError) {
    setImmediate(() => {
      throw reason
    })
    return
  }
  if (errnoFrom(reason) === eio) log.warn({ err: reason, operation: name }, 'an operation was answered with EIO')
  else log.debug({ operation: name, reason: String(reason) }, 'refused')
}

const eio = errnoFrom(undefined)
