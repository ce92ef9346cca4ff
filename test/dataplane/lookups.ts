import type { LookupFunction } from 'node:net'
import t from 'tap'
import { lookupsAtOnceMax, lookupsWaitingMax } from '../../src/dataplane/limits.js'
import { Lookups } from '../../src/dataplane/lookups.js'

t.test('only a few names are looked up at once, a few more wait, the rest is refused', async t => {
  const begun: (() => void)[] = []
  const resolve: LookupFunction = (host, _, done) => begun.push(() => done(null, `address of ${host}`, 4))
  const { lookup } = new Lookups(resolve)
  const results: string[] = []
  const count = lookupsAtOnceMax + lookupsWaitingMax + 1
  for (let i = 0; i < count; i++) {
    lookup(`host-${i}`, {}, (error, address) => results.push(error ? (error.code ?? '') : String(address)))
  }
  t.equal(begun.length, lookupsAtOnceMax)
  t.same(results, ['EBUSY'])
  for (let i = 0; i < begun.length; i++) begun[i]?.()
  t.equal(results.length, count)
  t.same(results.slice(1, 3), ['address of host-0', 'address of host-1'])
  t.equal(results.at(-1), `address of host-${count - 2}`)
})
