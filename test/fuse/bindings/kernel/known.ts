import t from 'tap'
import type { Attributes, Ino } from '../../../../src/client/file-system.js'
import { Known } from '../../../../src/fuse/bindings/kernel/known.js'
import { namesPerDirectoryMax } from '../../../../src/fuse/bindings/kernel/limits.js'
import { name, root } from '../../harness/memory-operations.js'

const ino = (number: number) => number as Ino

function known(totalMax?: number) {
  const evicted: [Ino, string[]][] = []
  const known = new Known((directory, names) => evicted.push([directory, names.map(String)]), totalMax)
  return { known, evicted }
}

t.test('an inode is known until it is forgotten as often as it was told', async t => {
  const { known: it } = known()
  t.ok(it.has(root), 'the root always is')
  t.notOk(it.has(ino(5)))
  for (let i = 0; i < 3; i++) it.told(ino(5))
  it.told(ino(6))
  t.same(it.inodes(), [root, 5, 6])
  it.forgotten(ino(5), 1)
  t.ok(it.has(ino(5)))
  it.forgotten(ino(5), 2)
  t.notOk(it.has(ino(5)))
  it.forgotten(ino(6), 1000)
  it.forgotten(ino(7), 1)
  t.equal(it.inodeCount, 0, 'more than it was told, and what it was not told of, is none')
})

t.test('names are listed once, and taken once', async t => {
  const { known: it } = known()
  t.ok(it.mayRemember(root, name('a')))
  t.ok(it.mayRemember(root, name('a')))
  t.ok(it.mayRemember(root, Buffer.of(0xff, 0xfe)), 'whatever the bytes are')
  t.ok(it.mayRemember(ino(5), name('b')))
  t.same(it.directories(), [root, 5])
  t.equal(it.nameCount, 3)
  t.same(it.takeNames(root), [name('a'), Buffer.of(0xff, 0xfe)])
  t.same(it.takeNames(root), [])
  t.equal(it.nameCount, 1)
})

t.test('of one directory only so many names', async t => {
  const { known: it, evicted } = known()
  for (let i = 0; i < namesPerDirectoryMax; i++) it.mayRemember(root, name(`${i}`))
  t.notOk(it.mayRemember(root, name('one more')))
  t.ok(it.mayRemember(root, name('7')), 'the ones that are listed stay')
  t.equal(it.nameCount, namesPerDirectoryMax)
  t.same(evicted, [])
})

t.test('of all directories only so many names: the oldest are evicted', async t => {
  const { known: it, evicted } = known(4)
  it.mayRemember(ino(2), name('a'))
  it.mayRemember(ino(2), name('b'))
  it.mayRemember(ino(3), name('c'))
  it.mayRemember(ino(4), name('d'))
  it.mayRemember(ino(2), name('a'))
  t.same(evicted, [])
  t.ok(it.mayRemember(ino(4), name('e')))
  t.same(evicted, [[3, ['c']]], 'of the directory that was not asked about for the longest time')
  t.ok(it.mayRemember(ino(4), name('f')))
  t.same(evicted[1], [2, ['a', 'b']])
  t.equal(it.nameCount, 3)
  it.mayRemember(ino(4), name('g'))
  t.notOk(it.mayRemember(ino(4), name('h')), 'no room without its own')
  t.equal(it.nameCount, 4)
})

t.test('a name that the kernel took along is listed, or taken back where there is no room', async t => {
  const { known: it, evicted } = known(2)
  it.tookAlong(ino(2), name('a'))
  it.tookAlong(ino(2), name('b'))
  t.same(evicted, [])
  it.tookAlong(ino(2), name('c'))
  t.same(evicted, [[2, ['c']]])
  t.same(it.takeNames(ino(2)).map(String), ['a', 'b'])
})

t.test('a directory that is forgotten has no names any more', async t => {
  const { known: it, evicted } = known()
  it.told(ino(5))
  it.mayRemember(ino(5), name('a'))
  it.forgotten(ino(5), 1)
  t.equal(it.nameCount, 0)
  t.same(it.directories(), [])
  t.same(evicted, [], 'and the kernel need not be told')
})

t.test('what is removed is remembered for as long as the kernel knows it', async t => {
  const { known: it } = known()
  const attributes = { ino: ino(5), nlink: 2, size: 7 } as Attributes
  it.removed(attributes)
  t.equal(it.asRemoved(ino(5)), undefined, 'it does not know it')
  it.told(ino(5))
  it.removed(attributes)
  t.match(it.asRemoved(ino(5)), { nlink: 0, size: 7 })
  it.forgotten(ino(5), 1)
  t.equal(it.asRemoved(ino(5)), undefined)
})

t.test('of a kernel that another process has served before, nothing is sure', async t => {
  const known = new Known(() => {})
  t.notOk(known.has(10 as Ino))
  known.mayKnowAny()
  t.ok(known.has(10 as Ino))
  known.forgotten(10 as Ino, 5)
  t.ok(known.has(10 as Ino))
})
