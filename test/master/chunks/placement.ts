import t from 'tap'
import { SeededRandom } from '../../../src/base/random.js'
import { GiB, MiB } from '../../../src/base/units.js'
import { type Candidate, placeChunk } from '../../../src/master/chunks/placement.js'
import type { ServerId } from '../../../src/wire/ids.js'
import { parseLocation } from '../../../src/wire/location.js'

const server = (id: string, location = `/dc/${id}/${id}`, freeBytes = 100 * GiB): Candidate => ({
  id: id as ServerId,
  location: parseLocation(location),
  freeBytes,
})
const seeds = Array.from({ length: 200 }, (_, seed) => seed)
const choose = (servers: readonly Candidate[], count: number) =>
  seeds.map(seed => placeChunk(servers, count, new SeededRandom(seed)))

t.test('no server gets two replicas of a chunk', async t => {
  const servers = ['a', 'b', 'c', 'd', 'e'].map(id => server(id))
  for (const chosen of choose(servers, 3)) t.equal(new Set(chosen).size, 3)
})

t.test('every server has its turn, also as the primary', async t => {
  const servers = ['a', 'b', 'c', 'd'].map(id => server(id))
  t.same(new Set(choose(servers, 3).map(([primary]) => primary)), new Set(['a', 'b', 'c', 'd']))
})

t.test('replicas spread over racks, then over hosts', async t => {
  const racks = [
    server('a1', '/dc/a/1'),
    server('a2', '/dc/a/2'),
    server('a3', '/dc/a/3'),
    server('b1', '/dc/b/1'),
    server('b2', '/dc/b/1'),
  ]
  for (const chosen of choose(racks, 2)) t.same(chosen.map(id => id[0]).sort(), ['a', 'b'])
  for (const chosen of choose(racks, 4)) {
    t.same(chosen.map(id => id[0]).sort(), ['a', 'a', 'b', 'b'])
  }
  const hosts = [server('x', '/dc/r/1'), server('y', '/dc/r/1'), server('z', '/dc/r/2')]
  for (const chosen of choose(hosts, 2)) t.ok(chosen.includes('z' as ServerId), 'both hosts are used')
})

t.test('the same rack name in two data centers is two racks', async t => {
  const servers = [server('a', '/dc1/r/1'), server('b', '/dc1/r/2'), server('c', '/dc2/r/1')]
  for (const chosen of choose(servers, 2)) t.ok(chosen.includes('c' as ServerId))
})

t.test('more free space draws more chunks', async t => {
  const servers = [server('big', '/dc/r/1', 300 * GiB), server('small', '/dc/r/2', 100 * GiB)]
  const bigs = choose(servers, 1).filter(([id]) => id === 'big').length
  t.ok(bigs > 125, `${bigs} of 200`)
  t.ok(bigs < 175, `${bigs} of 200`)
})

t.test('a server without room gets nothing', async t => {
  const servers = [server('a'), server('b'), server('full', '/dc/x/1', MiB), server('over', '/dc/y/1', -GiB)]
  for (const chosen of choose(servers, 3)) t.same([...chosen].sort(), ['a', 'b'])
})

t.test('with fewer servers than wanted a chunk runs below its goal', async t => {
  t.equal(placeChunk([server('a'), server('b')], 3, new SeededRandom(1)).length, 2)
})

t.test('no server and no room are different errors', async t => {
  t.throws(() => placeChunk([], 3, new SeededRandom(1)), { code: 'UNAVAILABLE' })
  t.throws(() => placeChunk([server('a', '/d/r/h', 0)], 3, new SeededRandom(1)), { code: 'NO_SPACE' })
})

t.test('the same chance gives the same choice', async t => {
  const servers = ['a', 'b', 'c', 'd', 'e'].map(id => server(id))
  t.same(choose(servers, 3), choose(servers, 3))
})
