import t from 'tap'
import type { Attributes } from '../../src/client/file-system.js'
import { entriesCachedMax } from '../../src/client/limits.js'
import { MetadataCache } from '../../src/client/metadata-cache.js'
import type { Ino } from '../../src/wire/ids.js'

const ino = (value: number) => value as Ino
const time = { seconds: 0, nanos: 0 }
const attributes = (of: number): Attributes => ({
  ...{ ino: ino(of), kind: 'file', mode: 0, uid: 0, gid: 0, nlink: 1, size: 0, rdev: 0, goal: 1, allocatedBytes: 0 },
  ...{ atime: time, mtime: time, ctime: time },
})
const directory = ino(1)
const name = Buffer.from('a')

t.test('what was put is there until it is dropped', async t => {
  const cache = new MetadataCache()
  cache.putAttributes(attributes(5))
  cache.putSymlink(ino(5), Buffer.from('there'))
  t.match(cache.attributes(ino(5)), { ino: 5 })
  t.same(cache.symlink(ino(5)), Buffer.from('there'))
  cache.drop(ino(5))
  t.equal(cache.attributes(ino(5)), undefined)
  t.equal(cache.symlink(ino(5)), undefined)
})

t.test('aged attributes show the way and nothing else', async t => {
  const cache = new MetadataCache()
  cache.putAttributes(attributes(5))
  cache.ageAttributes(ino(5))
  t.equal(cache.attributes(ino(5)), undefined)
  t.match(cache.agedAttributes(ino(5)), { ino: 5 })
  cache.putAttributes(attributes(5))
  t.match(cache.attributes(ino(5)), { ino: 5 })
})

t.test('an entry is an inode, absent, or not known', async t => {
  const cache = new MetadataCache()
  t.equal(cache.entry(directory, name), undefined)
  cache.putEntry(directory, name, ino(5))
  t.equal(cache.entry(directory, name), 5)
  cache.putEntry(directory, name, 'absent')
  t.equal(cache.entry(directory, name), 'absent')
  cache.dropEntry(directory, name)
  t.equal(cache.entry(directory, name), undefined)
})

t.test('names are bytes', async t => {
  const cache = new MetadataCache()
  cache.putEntry(directory, Buffer.from([0xe4]), ino(5))
  cache.putEntry(directory, Buffer.from('ä'), ino(6))
  t.equal(cache.entry(directory, Buffer.from([0xe4])), 5)
  t.equal(cache.entry(directory, Buffer.from('ä')), 6)
})

t.test('dropping a directory forgets its entries, and only its', async t => {
  const cache = new MetadataCache()
  cache.putEntry(directory, name, ino(5))
  cache.putEntry(ino(2), name, ino(6))
  cache.drop(directory)
  t.equal(cache.entry(directory, name), undefined)
  t.equal(cache.entry(ino(2), name), 6)
  cache.putEntry(directory, Buffer.from('b'), ino(7))
  t.equal(cache.entry(directory, name), undefined, 'a new entry does not bring the old ones back')
})

t.test('a listing is whole or not there', async t => {
  const cache = new MetadataCache()
  const entries = [5, 6].map(of => ({ name: Buffer.from(`f${of}`), attributes: attributes(of) }))
  for (const entry of entries) cache.putAttributes(entry.attributes)
  cache.putListing(directory, { entries, parent: ino(1) })
  t.match(cache.listing(directory), { entries, parent: 1 })
  cache.drop(ino(6))
  t.equal(cache.listing(directory), undefined, 'the attributes of one entry are not known')
  cache.putAttributes(attributes(6))
  t.ok(cache.listing(directory))
  cache.dropListing(directory)
  t.equal(cache.listing(directory), undefined)
})

t.test('a page of a listing begins after a name', async t => {
  const cache = new MetadataCache()
  const after = (text: string) => cache.listingPage(directory, Buffer.from(text), 2)
  const namesAfter = (text: string) => after(text)?.entries.map(({ name }) => String(name))
  const entries = [1, 3, 5, 7, 9].map(of => ({ name: Buffer.from(`f${of}`), attributes: attributes(of) }))
  t.equal(after(''), undefined)
  for (const entry of entries) cache.putAttributes(entry.attributes)
  cache.putListing(directory, { entries, parent: ino(2) })
  t.same(namesAfter(''), ['f1', 'f3'])
  t.same(namesAfter('f3'), ['f5', 'f7'])
  t.same(namesAfter('f4'), ['f5', 'f7'], 'whether or not it is there')
  t.match(after('f7'), { entries: [{ attributes: { ino: 9 } }], more: false, parent: 2 })
  t.equal(after('f5')?.more, false)
  t.equal(after('f1')?.more, true)
  t.same(namesAfter('g'), [])
  cache.drop(ino(9))
  t.equal(after('f5'), undefined, 'the attributes of one entry are not known')
  t.ok(after(''))
})

t.test('extended attributes go with the rest', async t => {
  const cache = new MetadataCache()
  for (const of of [5, 6, 7]) cache.xattrs.putNames(ino(of), [])
  cache.drop(ino(5))
  t.equal(cache.xattrs.names(ino(5)), undefined)
  t.ok(cache.xattrs.names(ino(6)))
  cache.clear()
  t.equal(cache.xattrs.names(ino(6)), undefined)
})

t.test('clear forgets everything', async t => {
  const cache = new MetadataCache()
  cache.putAttributes(attributes(5))
  cache.putEntry(directory, name, ino(5))
  cache.clear()
  t.equal(cache.attributes(ino(5)), undefined)
  t.equal(cache.entry(directory, name), undefined)
})

t.test('of a directory that is known whole, what is not known is absent', async t => {
  const cache = new MetadataCache()
  cache.putEntry(directory, name, ino(5))
  cache.beginComplete(directory)
  t.equal(cache.entry(directory, name), 'absent', 'what was put before does not count')
  cache.putEntry(directory, name, ino(6))
  t.equal(cache.entry(directory, name), 6)
  t.equal(cache.entry(directory, Buffer.from('b')), 'absent')
  t.equal(cache.entry(ino(2), name), undefined, 'of another nothing is known')
})

t.test('a directory is known whole until one of its entries is forgotten', async t => {
  const other = Buffer.from('b')
  const cases: [how: string, forget: (cache: MetadataCache) => void][] = [
    ['it was dropped', cache => cache.drop(directory)],
    ['everything was dropped', cache => cache.clear()],
    ['an entry was dropped', cache => cache.dropEntry(directory, name)],
    [
      'an entry made room for others',
      cache => {
        for (let i = 0; i < entriesCachedMax; i++) cache.putEntry(ino(3), Buffer.from(String(i)), ino(7))
      },
    ],
  ]
  for (const [how, forget] of cases) {
    const cache = new MetadataCache()
    cache.beginComplete(directory)
    cache.putEntry(directory, name, ino(5))
    t.equal(cache.entry(directory, other), 'absent')
    forget(cache)
    t.equal(cache.entry(directory, other), undefined, how)
  }
})
