// Looks up the names of hosts, a few at a time. The system does that on the
// threads on which files are read and written: a pusher that names hosts which
// nobody knows must not keep all of them waiting.

import { lookup } from 'node:dns'
import type { LookupFunction } from 'node:net'
import { lookupsAtOnceMax, lookupsWaitingMax } from './limits.js'

export class Lookups {
  readonly #resolve: LookupFunction
  readonly #waiting: (() => void)[] = []
  #underWay = 0

  constructor(resolve: LookupFunction = lookup) {
    this.#resolve = resolve
  }

  /** For a socket. */
  readonly lookup: LookupFunction = (host, options, done) => {
    const begin = () => {
      this.#underWay++
      this.#resolve(host, options, (...result) => {
        this.#underWay--
        this.#waiting.shift()?.()
        done(...result)
      })
    }
    if (this.#underWay < lookupsAtOnceMax) begin()
    else if (this.#waiting.length < lookupsWaitingMax) this.#waiting.push(begin)
    else done(Object.assign(new Error(`too many hosts are looked up: ${host}`), { code: 'EBUSY' }), '')
  }
}
