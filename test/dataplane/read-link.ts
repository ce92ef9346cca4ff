// What reads do is in data-client.ts; here is what only a link sees.

import { crc32 } from '@node-rs/crc32'
import t from 'tap'
import { silentLog } from '../../src/base/log.js'
import { readTimeoutMs } from '../../src/dataplane/limits.js'
import { ReadLink } from '../../src/dataplane/read-link.js'
import { bytesOf, Cluster, readOf } from './harness.js'

t.test('a slow answer is waited for while its bytes come', async t => {
  const cluster = new Cluster()
  const server = await cluster.rawServer()
  const { network, clock } = cluster
  const hello = () => ({ type: 'hello', clusterId: '', self: '' }) as const
  const link = new ReadLink(server.address, { network, clock, log: silentLog, hello })
  const read = link.read(readOf(0, 4))
  await clock.advance(1)
  server.peers[0]?.send({ type: 'readReply', number: 1, length: 4, crc32: crc32('abcd') })
  for (const text of ['a', 'b', 'c', 'd']) {
    await clock.advance(0.8 * readTimeoutMs)
    server.peers[0]?.sendBytes(Buffer.from(text))
  }
  t.equal(String(Buffer.concat([...(await cluster.until(read)).buffers])), 'abcd')
  t.equal(link.underWay, 0)

  const stalled = link.read(readOf(0, 4))
  await clock.advance(1)
  server.peers[0]?.send({ type: 'readReply', number: 2, length: 4, crc32: 0 }, bytesOf(1))
  await t.rejects(cluster.until(stalled), { code: 'TIMEOUT' })
})
