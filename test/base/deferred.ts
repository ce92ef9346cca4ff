import t from 'tap'
import { deferred } from '../../src/base/deferred.js'

t.test('a deferred is settled from outside, once', async t => {
  const yes = deferred<number>()
  yes.resolve(1)
  yes.resolve(2)
  t.equal(await yes.promise, 1)

  const no = deferred<number>()
  no.reject(new Error('no'))
  await t.rejects(no.promise, { message: 'no' })
})
