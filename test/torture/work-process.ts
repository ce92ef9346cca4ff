// The workload as the run sees it. It is a process of its own: one that has files
// on a mount open can't start another without waiting for that mount.

import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { type Deferred, deferred } from '../../src/base/deferred.js'
import type { Workload } from './workload.js'

type Methods = Omit<Workload, never>

export interface Question {
  readonly number: number
  readonly what: keyof Methods
  readonly args: readonly unknown[]
}

export interface Answer {
  readonly number: number
  readonly value?: unknown
  readonly error?: string
}

/** Calls to mounts that wait must not keep others from being made. */
const threads = '48'

export class WorkProcess {
  readonly #child: ChildProcess
  readonly #asked = new Map<number, Deferred<unknown>>()
  #number = 0

  constructor(seed: number, directories: readonly string[]) {
    const main = fileURLToPath(new URL('work-main.js', import.meta.url))
    this.#child = fork(main, [String(seed), ...directories], { env: { ...process.env, UV_THREADPOOL_SIZE: threads } })
    this.#child.on('message', ({ number, value, error }: Answer) => {
      const asked = this.#asked.get(number)
      this.#asked.delete(number)
      if (error === undefined) asked?.resolve(value)
      else asked?.reject(new Error(error))
    })
    this.#child.once('exit', () => {
      for (const asked of this.#asked.values()) asked.reject(new Error('the process that uses the mounts has ended'))
    })
  }

  /** Has a method of the workload called there. */
  ask<Name extends keyof Methods>(
    what: Name,
    ...args: Parameters<Methods[Name]>
  ): Promise<Awaited<ReturnType<Methods[Name]>>> {
    this.#number += 1
    const asked = deferred<unknown>()
    this.#asked.set(this.#number, asked)
    const question: Question = { number: this.#number, what, args }
    this.#child.send(question)
    return asked.promise as Promise<Awaited<ReturnType<Methods[Name]>>>
  }

  /** Whatever it waits for: it ends when that is gone. */
  kill(): void {
    this.#child.kill('SIGKILL')
  }
}
