import t from 'tap'
import { orderChain } from '../../src/client/chain.js'
import { parseLocation } from '../../src/wire/location.js'

const servers = (...locations: string[]) =>
  locations.map((text, index) => ({ serverId: `s${index}`, location: parseLocation(text) }))

const ids = (from: string | undefined, locations: string[], seed = 1) =>
  orderChain(from === undefined ? undefined : parseLocation(from), servers(...locations), seed).map(
    ({ serverId }) => serverId,
  )

t.test('the nearest comes first, and each is the nearest of the rest to the one before it', async t => {
  const cases: [from: string, locations: string[], chain: string[], why: string][] = [
    ['/a/r/h1', ['/b/r/h1', '/a/q/h1', '/a/r/h2', '/a/r/h1'], ['s3', 's2', 's1', 's0'], 'host, rack, dc, elsewhere'],
    ['/a/r1/h1', ['/b/r1/h1', '/a/r2/h1', '/a/r2/h2', '/a/r1/h2'].slice(0, 2), ['s1', 's0'], 'the other dc last'],
    [
      '/a/r1/h1',
      ['/b/r1/h1', '/b/r1/h1', '/a/r9/h1'],
      ['s2', ...ids('/a/r9/h1', ['/b/r1/h1', '/b/r1/h1'])],
      'the rest',
    ],
    ['/a/r1/x', [], [], 'nobody'],
    ['/a/r1/x', ['/c/d/e'], ['s0'], 'one'],
  ]
  for (const [from, locations, chain, why] of cases) t.same(ids(from, locations), chain, why)
})

t.test('who is behind a far link is visited from there, not from here', async t => {
  // From the sender both racks of dc b are equally far; from one of them its own neighbour is nearer.
  const chain = ids('/a/r/h', ['/b/r1/h1', '/b/r2/h1', '/b/r1/h2', '/b/r2/h2'])
  const racks = chain.map(id => ({ s0: 1, s1: 2, s2: 1, s3: 2 })[id])
  t.ok(racks[0] === racks[1] && racks[2] === racks[3] && racks[0] !== racks[2], chain.join())
})

t.test('among equals the seed decides, always in the same way', async t => {
  const same = ['/a/r/h', '/a/r/h', '/a/r/h']
  t.same(ids('/a/r/h', same, 5), ids('/a/r/h', same, 5))
  const firsts = new Map<string, number>()
  for (let seed = 0; seed < 300; seed++) {
    const [first = ''] = ids('/a/r/h', same, seed)
    firsts.set(first, (firsts.get(first) ?? 0) + 1)
  }
  for (const [id, count] of firsts) t.ok(count > 60, `${id} is first ${count} times of 300`)
  t.equal(firsts.size, 3)
})

t.test('a sender without a location starts anywhere, and goes on to the nearest', async t => {
  for (let seed = 0; seed < 20; seed++) {
    const chain = ids(undefined, ['/a/r/h1', '/b/r/h1', '/a/r/h1'], seed)
    if (chain[0] !== 's1') t.equal(chain[2], 's1', chain.join())
  }
})
