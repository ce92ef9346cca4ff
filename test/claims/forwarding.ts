// Claims 5 and 6: a replica forwards while it still receives. The link to the
// first server is throttled: half of the bytes are held back until the trace
// shows that the others have left the first server.

import { once } from 'node:events'
import { connect } from 'node:net'
import { crc32 } from '@node-rs/crc32'
import t from 'tap'
import { MiB } from '../../src/base/units.js'
import { parseAddress } from '../../src/wire/address.js'
import { encodeFrame } from '../../src/wire/frames.js'
import type { DataId } from '../../src/wire/ids.js'
import { startCluster, until } from '../cluster/harness.js'

t.test('bytes leave the first server before the last have arrived', async t => {
  const cluster = await startCluster(t, { mounts: 0 })
  const { servers, clusterId } = await cluster.status()
  const [first, second, third] = servers.map(({ dataAddress }) => parseAddress(dataAddress))
  if (!first || !second || !third) throw new Error('three servers')

  const bytes = Buffer.alloc(1 * MiB, 'slowly')
  const half = bytes.length / 2
  const id = { client: 2 ** 40, counter: 1 } as DataId
  const dataId = `${id.client}:${id.counter}`
  const received = () => cluster.events('push.received').filter(line => line.dataId === dataId)
  const forwards = () => cluster.events('push.forward.first').filter(line => line.dataId === dataId)

  const socket = connect(first)
  t.teardown(() => socket.destroy())
  await once(socket, 'connect')
  socket.write(encodeFrame({ type: 'hello', clusterId, self: 'client:slow' }))
  const push = {
    type: 'push',
    number: 1,
    id,
    chain: [second, third],
    length: bytes.length,
    crc32: crc32(bytes),
  } as const
  socket.write(encodeFrame(push))
  socket.write(bytes.subarray(0, half))
  await until('both links have forwarded', () => forwards().length === 2)
  t.same(received(), [], 'nobody has received the whole')
  for (const forward of forwards()) t.ok(Number(forward.bytes) <= half, 'what had come by then was a part')

  socket.write(bytes.subarray(half))
  await until('all have received the whole', () => received().length === 3)
  const [lastForward] = forwards().slice(-1)
  const [firstReceived] = received()
  t.ok((lastForward?.t ?? 0n) < (firstReceived?.t ?? 0n), 'every forward began before any server had the whole')
})
