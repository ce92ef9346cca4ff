import t from 'tap'
import { ClientLease } from '../../src/client/client-lease.js'
import { pingsRememberedMax } from '../../src/client/limits.js'

t.test('the lease counts from when the answered ping was sent', async t => {
  const lease = new ClientLease()
  t.notOk(lease.inForce(0), 'none at first')
  const ping = lease.sent(100)
  t.notOk(lease.inForce(100), 'sent is not answered')
  lease.answered(ping, 3000)
  t.ok(lease.inForce(3099))
  t.equal(lease.remainingMs(1100), 2000)
  t.notOk(lease.inForce(3100))
  t.equal(lease.remainingMs(3200), 0)
})

t.test('answers out of order never shorten it, and count once', async t => {
  const lease = new ClientLease()
  const first = lease.sent(0)
  const second = lease.sent(500)
  lease.answered(second, 3000)
  lease.answered(first, 3000)
  t.ok(lease.inForce(3499))
  lease.answered(second, 9000)
  t.notOk(lease.inForce(3500))
})

t.test('after its end no earlier ping brings it back', async t => {
  const lease = new ClientLease()
  const ping = lease.sent(0)
  lease.end()
  lease.answered(ping, 3000)
  t.notOk(lease.inForce(1))
  lease.answered(lease.sent(10), 3000)
  t.ok(lease.inForce(11))
})

t.test('pings nobody answers are forgotten', async t => {
  const lease = new ClientLease()
  const first = lease.sent(0)
  for (let count = 0; count < pingsRememberedMax; count++) lease.sent(1)
  lease.answered(first, 3000)
  t.notOk(lease.inForce(1))
})
