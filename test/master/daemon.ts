import { existsSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { SystemClock } from '../../src/base/clock.js'
import { openDataDirectory } from '../../src/base/data-directory.js'
import { silentLog } from '../../src/base/log.js'
import { SystemRandom } from '../../src/base/random.js'
import { formatVersion } from '../../src/constants.js'
import { type Master, type MasterOptions, startMaster } from '../../src/master/daemon.js'
import { MemoryControlNetwork } from '../../src/rpc/memory-network.js'
import type { ClientToMaster, MasterToClient } from '../../src/wire/gen/client.js'
import { MasterService } from '../../src/wire/gen/services.js'
import { lookup, make } from './harness/client.js'

const clock = new SystemClock()
const random = new SystemRandom()

async function start(path: string, options: Partial<MasterOptions> = {}): Promise<Master> {
  const dataDirectory = await openDataDirectory(path, 'master', { formatVersion })
  try {
    const master = await startMaster({
      ...{ dataDirectory, clock, random, log: silentLog, listen: { host: '127.0.0.1', port: 0 } },
      ...{ network: new MemoryControlNetwork(clock), goal: 3, leaseMs: 60_000, durability: 'disk', trashMs: 0 },
      ...options,
    })
    const close = async () => {
      await master.close()
      await dataDirectory.close()
    }
    return { address: master.address, clusterId: master.clusterId, close }
  } catch (reason) {
    await dataDirectory.close()
    throw reason
  }
}

/** One session: says hello, asks these, and returns the replies. */
async function session(network: MemoryControlNetwork, master: Master, ...asked: ReturnType<typeof make>[]) {
  const stream = network.connect(master.address).open(MasterService.clientSession)
  const replies: MasterToClient['message'][] = []
  const send = (message: ClientToMaster['message']) => stream.send({ message })
  await new Promise<void>(resolve => {
    stream.onMessage(({ message }) => {
      replies.push(message)
      const operation = asked[replies.length - 1]
      if (operation) send({ $case: 'request', value: { number: replies.length, answeredThrough: 0, operation } })
      else resolve()
    })
    send({ $case: 'hello', value: { clusterId: '', sessionId: 0, description: 't', formatVersion } })
  })
  stream.close()
  return replies.slice(1).map(message => (message?.$case === 'reply' ? message.value : undefined))
}

async function status(t: Test, network: MemoryControlNetwork, master: Master) {
  const peer = network.connect(master.address)
  t.teardown(() => peer.close())
  return await peer.call(MasterService.status, {}, { timeoutMs: 1000 })
}

t.test('what was made is there after a stop and a start, with the same cluster id', async t => {
  const directory = t.testdir()
  const network = new MemoryControlNetwork(clock)
  const first = await start(directory, { network })
  const [made] = await session(network, first, make(1, 'file'))
  t.match(made, { result: { value: { ino: 2, goal: 3 } } })
  await first.close()
  await first.close()

  const second = await start(directory, { network })
  t.equal(second.clusterId, first.clusterId)
  const [found, missing] = await session(network, second, lookup(1, 'file'), lookup(1, 'none'))
  t.same(found?.result, made?.result)
  t.match(missing, { failure: { code: 'NOT_FOUND' } })
  const counts = await status(t, network, second)
  t.match(counts, { clusterId: first.clusterId, inodes: 2, chunks: 0, goal: 3 })
  await second.close()
})

t.test('the root belongs to who runs the master', async t => {
  const network = new MemoryControlNetwork(clock)
  const master = await start(t.testdir(), { network })
  const [root] = await session(network, master, { $case: 'getAttributes', value: { ino: 1 } })
  t.match(root, {
    result: { value: { ino: 1, mode: 0o755, uid: process.getuid?.(), gid: process.getgid?.(), nlink: 2 } },
  })
  await master.close()
})

t.test('a file is located by its path', async t => {
  const network = new MemoryControlNetwork(clock)
  const master = await start(t.testdir(), { network })
  await session(network, master, make(1, 'file'))
  const peer = network.connect(master.address)
  const at = (path: string) => peer.call(MasterService.locate, { ino: 0, path: Buffer.from(path) }, { timeoutMs: 1000 })
  t.match(await at('/file'), { attributes: { ino: 2 }, chunks: [] })
  await t.rejects(at('/none'), { code: 'NOT_FOUND' })
  peer.close()
  await master.close()
})

t.test('an address in use is refused, and nothing is left open', async t => {
  const directory = t.testdir({ a: {}, b: {} })
  const network = new MemoryControlNetwork(clock)
  const master = await start(join(directory, 'a'), { network })
  const listen = master.address
  await t.rejects(start(join(directory, 'b'), { network, listen }), { code: 'ADDRESS_IN_USE' })
  await master.close()
  const again = await start(join(directory, 'b'), { network, listen })
  t.ok(existsSync(join(directory, 'b', 'journal')))
  await again.close()
})
