import t from 'tap'
import { Troubles } from '../../src/client/troubles.js'

const forgetMs = 1000

t.test('a trouble is known from when it was first met, for as long as it is met again', async t => {
  const troubles = new Troubles(forgetMs)
  t.equal(troubles.since('a', 100), undefined)
  t.equal(troubles.met('a', 90, 100), 90)
  t.equal(troubles.met('a', 150, 100 + forgetMs - 1), 90)
  t.equal(troubles.since('a', 100 + forgetMs), 90)
  t.equal(troubles.met('b', 200, 210), 200, 'another one')
  const later = 100 + 2 * forgetMs
  t.equal(troubles.since('a', later), undefined)
  t.equal(troubles.met('a', later, later), later)
})

t.test('one that has passed is new when it is met again', async t => {
  const troubles = new Troubles(forgetMs)
  troubles.met('a', 90, 100)
  troubles.passed('a')
  t.equal(troubles.since('a', 110), undefined)
  t.equal(troubles.met('a', 110, 120), 110)
})
