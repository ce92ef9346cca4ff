import t from 'tap'
import { SystemClock } from '../../src/base/clock.js'
import { silentLog } from '../../src/base/log.js'
import { TcpNetwork } from '../../src/dataplane/tcp-network.js'
import { byteNetworkSuite } from '../suites/byte-network.js'

const network = new TcpNetwork(new SystemClock(), silentLog)
byteNetworkSuite(t, () => network)

t.test('an address that is not ours is INVALID_ARGUMENT', async t => {
  for (const host of ['192.0.2.1', 'no-such-host.invalid']) {
    await t.rejects(
      network.serve({ host, port: 0 }, () => {}),
      { code: 'INVALID_ARGUMENT' },
    )
  }
  await t.rejects(network.connect({ host: 'no-such-host.invalid', port: 1 }, 5000), { code: 'UNAVAILABLE' })
})
