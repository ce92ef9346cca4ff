import t from 'tap'
import { MemorySurvivingMap } from '../../src/base/surviving-map.js'
import { MiB } from '../../src/base/units.js'
import type { Extent } from '../../src/client/dirty-data.js'
import { Survival, type WrittenPiece } from '../../src/client/survival.js'
import { foundExtents, SurvivingWrites } from '../../src/client/surviving-writes.js'
import type { DataId, Ino } from '../../src/wire/ids.js'

const ino = 10 as Ino
const mtime = { seconds: 1, nanos: 2 }
const extent = (start: number, length: number): Extent => ({ start, length, buffer: Buffer.alloc(length) })
const id = (counter: number) => ({ client: 7, counter }) as DataId

function make() {
  const map = new MemorySurvivingMap()
  const survival = new Survival(map)
  survival.session(7, 'cluster')
  const writes = new SurvivingWrites(survival, ino)
  const pieces = () => new Survival(map.next()).inherited?.pieces.map(({ offset, bytes }) => `${offset}:${bytes}`) ?? []
  const write = (offset: number, text: string) => writes.wrote(offset, Buffer.from(text), mtime, undefined)
  return { map, writes, pieces, write, inherited: () => new Survival(map.next()).inherited }
}

t.test('what was written is there until it has been applied', async t => {
  const { writes, write, pieces } = make()
  write(0, 'abc')
  write(10, 'def')
  t.same(pieces(), ['0:abc', '10:def'])
  const sealed = extent(0, 3)
  writes.sealed([sealed])
  write(1, 'x')
  t.same(pieces(), ['0:abc', '10:def', '1:x'])
  writes.settled([sealed], undefined, undefined)
  t.same(pieces(), ['10:def', '1:x'], 'what was written on top since stays')
})

t.test('what is written over whole before it is sealed goes at once', async t => {
  const { writes, write, pieces } = make()
  for (let i = 0; i < 5; i++) write(0, `page ${i}`)
  write(2, 'inner')
  t.same(pieces(), ['0:page 4', '2:inner'])
  write(0, 'all of it')
  t.same(pieces(), ['0:all of it'])
  const { bytes } = writes
  write(0, 'all of it')
  t.equal(writes.bytes, bytes)
})

t.test('a write over the border of a block is two pieces', async t => {
  const { writes, write, pieces } = make()
  write(MiB - 2, 'abcd')
  t.same(pieces(), [`${MiB - 2}:ab`, `${MiB}:cd`])
  const second = extent(MiB, 2)
  writes.sealed([second])
  writes.settled([second], undefined, undefined)
  t.same(pieces(), [`${MiB - 2}:ab`])
})

t.test('a batch is named before it is applied, and goes with its pieces', async t => {
  const { writes, write, inherited } = make()
  write(0, 'abc')
  const sealed = extent(0, 3)
  writes.sealed([sealed])
  const key = writes.pushing([sealed], [id(5)])
  t.match(inherited()?.batches, [{ key, extents: [{ start: 0, length: 3, id: id(5) }] }])
  writes.settled([sealed], key, undefined)
  t.match(inherited(), { batches: [], pieces: [] })
  t.equal(writes.bytes, 0)
})

t.test('what a cut takes away is gone, and what it leaves stays', async t => {
  const { writes, write, pieces } = make()
  write(0, 'abc')
  write(5, 'defgh')
  write(20, 'xyz')
  const kept = ({ start }: { start: number }) => (start < 7 ? [{ start: 5, bytes: Buffer.from('de') }] : [])
  writes.cut(7, kept, mtime)
  t.same(pieces(), ['0:abc', '5:de'])
})

t.test('a state is remembered until there is none', async t => {
  const { writes, inherited } = make()
  const state = { end: 5, appliedEnd: 5, wholeEnd: 0, reportedSize: 0, mtime, waits: true, unsynced: [1] }
  writes.state({ ...state, usages: [], error: undefined })
  t.match(inherited()?.states.get(ino), state)
  writes.state(undefined)
  t.equal(inherited()?.states.size, 0)
})

t.test('extents that were being applied are made of their pieces alone', async t => {
  const piece = (sequence: number, offset: number, text: string): WrittenPiece => {
    return { sequence, ino, offset, mtime, bytes: Buffer.from(text) }
  }
  const open = new Set([piece(1, 0, 'aaaa'), piece(2, 2, 'bb'), piece(3, 8, 'cc'), piece(5, 1, 'later')])
  const extents = [
    { start: 0, length: 4, id: id(1) },
    { start: 8, length: 3, id: id(2) },
  ]
  const found = foundExtents({ key: 'push/4', ino, through: 4, extents }, open)
  t.equal(String(found[0]?.bytes), 'aabb')
  t.equal(found[1]?.bytes, undefined, 'a byte is missing')
  t.same(
    [...open].map(({ sequence }) => sequence),
    [5],
  )
})
