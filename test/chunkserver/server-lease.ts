import t from 'tap'
import { ServerLease } from '../../src/chunkserver/server-lease.js'

const refused = { code: 'UNAVAILABLE' }

t.test('a server may serve until its lease ends, counted from when it sent what was answered', async t => {
  const lease = new ServerLease()
  t.throws(() => lease.check(0), refused, 'not before the first answer')
  lease.acknowledged(100, 3000)
  lease.check(3099)
  t.throws(() => lease.check(3100), refused)
  lease.acknowledged(1000, 3000)
  lease.check(3999)
})

t.test('an answer to an older message changes nothing', async t => {
  const lease = new ServerLease()
  lease.acknowledged(1000, 3000)
  lease.acknowledged(500, 9000)
  t.equal(lease.acknowledgedSentAt, 1000)
  t.throws(() => lease.check(4000), refused)
})

t.test('what is given up does not come back', async t => {
  const lease = new ServerLease()
  lease.acknowledged(0, 3000)
  lease.giveUp()
  lease.acknowledged(10, 3000)
  t.throws(() => lease.check(20), refused)
})
