import t from 'tap'
import type { TraceEvent } from '../../src/base/trace.js'
import { rootIno } from '../../src/constants.js'
import type { Ino } from '../../src/wire/ids.js'
import { startCluster } from './harness/cluster.js'

const root = rootIno as Ino
const inode = { mode: 0o644, uid: 0, gid: 0 }
const options = { read: true, write: true, exclusive: true }

t.test('the parts of a client work together: locate, push, commit, in this order', async t => {
  const events: TraceEvent[] = []
  const fs = await (await startCluster(t)).client({ trace: event => events.push(event) })
  const { file } = await fs.create(root, Buffer.from('f'), inode, options)
  await file.write(0, Buffer.from('text'))
  await file.close()
  const order = (['locate.ask', 'locate.reply', 'push.start', 'commit.sent'] as const).map(event =>
    events.indexOf(event),
  )
  t.ok(
    order.every(at => at >= 0),
    events.join(' '),
  )
  t.same(
    [...order].sort((a, b) => a - b),
    order,
  )
})

t.test('what another client changes is heard of, after the caches have dropped it', async t => {
  const cluster = await startCluster(t)
  const heard: (readonly Ino[] | 'all')[] = []
  const one = await cluster.client({ onInvalidate: inos => void heard.push(inos) })
  const two = await cluster.client()
  const { attributes, file } = await one.create(root, Buffer.from('f'), inode, options)
  await file.close()
  await one.getAttributes(attributes.ino)
  await two.setAttributes(attributes.ino, { mode: 0o600 })
  t.ok(heard.flat().includes(attributes.ino))
  t.equal((await one.getAttributes(attributes.ino)).mode, 0o600)
})

t.test('who changes something waits until the other has dropped it, though not for long', async t => {
  const cluster = await startCluster(t)
  const order: string[] = []
  const slow = async () => {
    await new Promise(resolve => setImmediate(resolve))
    order.push('dropped')
  }
  const one = await cluster.client({ onInvalidate: slow })
  const two = await cluster.client({ onInvalidate: () => new Promise(() => {}) })
  await Promise.all([one, two].map(each => each.getAttributes(root)))
  await one.setAttributes(root, { mode: 0o700 })
  t.pass('a cache that never drops anything holds no one up for ever')
  await two.setAttributes(root, { mode: 0o755 })
  t.same(order, ['dropped'])
})

t.test('with the stream everything that is cached goes', async t => {
  const cluster = await startCluster(t)
  const heard: (readonly Ino[] | 'all')[] = []
  const fs = await cluster.client({ onInvalidate: inos => void heard.push(inos) })
  cluster.control.reset(cluster.master.address)
  await t.resolves(fs.getAttributes(root))
  t.same(heard, ['all'])
})
