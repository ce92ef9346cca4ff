import t from 'tap'
import { LeasefsError } from '../../src/base/errors.js'
import { silentLog } from '../../src/base/log.js'
import { LinkPool } from '../../src/dataplane/link-pool.js'
import { ReadLink } from '../../src/dataplane/read-link.js'
import { Cluster, readOf } from './harness.js'

async function pool(countMax: number) {
  const cluster = new Cluster()
  const servers = [1, 2, 3].map(() => cluster.rawServer())
  const addresses = (await Promise.all(servers)).map(({ address }) => address)
  const { network, clock } = cluster
  const hello = () => ({ type: 'hello', clusterId: '', self: '' }) as const
  const options = { network, clock, log: silentLog, hello }
  const [a, b, c] = addresses
  if (!a || !b || !c) throw new Error('three servers')
  return { a, b, c, pool: new LinkPool(countMax, address => new ReadLink(address, options)) }
}

t.test('a server has one link, until it closes', async t => {
  const { pool: links, a, b } = await pool(10)
  const link = links.get(a)
  t.equal(links.get({ ...a }), link)
  t.not(links.get(b), link)
  link.close(new LeasefsError('UNAVAILABLE', 'lost'))
  t.not(links.get(a), link)
})

t.test('the idle link used longest ago makes room for another', async t => {
  const { pool: links, a, b, c } = await pool(2)
  const [first, second] = [links.get(a), links.get(b)]
  links.get(a)
  links.get(c)
  t.equal(first.closed, undefined)
  t.match(second.closed, { code: 'CANCELLED' })
})

t.test('a busy link makes no room', async t => {
  const { pool: links, a, b, c } = await pool(2)
  for (const address of [a, b])
    links
      .get(address)
      .read(readOf(0, 1))
      .catch(() => {})
  t.throws(() => links.get(c), { code: 'UNAVAILABLE' })
  t.ok(links.get(a))
})

t.test('closing the pool closes every link', async t => {
  const { pool: links, a, b } = await pool(2)
  const both = [links.get(a), links.get(b)]
  links.close(new LeasefsError('CANCELLED', 'the end'))
  for (const { closed } of both) t.match(closed, { code: 'CANCELLED', message: 'the end' })
})
