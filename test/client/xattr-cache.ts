import t from 'tap'
import { xattrBytesCachedMax, xattrsCachedPerInodeMax } from '../../src/client/limits.js'
import { XattrCache } from '../../src/client/xattr-cache.js'
import type { Ino } from '../../src/wire/ids.js'

const ino = 5 as Ino
const name = (text: string) => Buffer.from(text)

t.test('a value is known, or that there is none', async t => {
  const cache = new XattrCache()
  t.equal(cache.value(ino, name('user.a')), undefined)
  cache.putValue(ino, name('user.a'), name('1'))
  cache.putValue(ino, name('user.b'), 'absent')
  t.same(cache.value(ino, name('user.a')), name('1'))
  t.equal(cache.value(ino, name('user.b')), 'absent')
  t.equal(cache.value(ino, name('user.c')), undefined)
  t.equal(cache.value(6 as Ino, name('user.a')), undefined)
})

t.test('the list says what is not there', async t => {
  const cache = new XattrCache()
  cache.putNames(ino, [name('user.a'), Buffer.from([0xe4])])
  t.equal(cache.value(ino, name('user.a')), undefined, 'its value was not told')
  t.equal(cache.value(ino, Buffer.from([0xe4])), undefined)
  t.equal(cache.value(ino, name('ä')), 'absent', 'names are bytes')
  cache.putValue(ino, name('user.a'), name('1'))
  t.same(cache.value(ino, name('user.a')), name('1'))
  t.equal(cache.names(ino)?.length, 2)
  cache.drop(ino)
  t.equal(cache.names(ino), undefined)
  t.equal(cache.value(ino, name('user.a')), undefined)
})

t.test('what is kept is bounded, for each inode and for all', async t => {
  const cache = new XattrCache()
  for (let number = 0; number <= xattrsCachedPerInodeMax; number++)
    cache.putValue(ino, name(`user.${number}`), 'absent')
  t.equal(cache.value(ino, name('user.0')), undefined)
  t.equal(cache.value(ino, name(`user.${xattrsCachedPerInodeMax}`)), 'absent')
  const value = Buffer.alloc(xattrBytesCachedMax / 4)
  for (let number = 10; number < 20; number++) cache.putValue(number as Ino, name('user.a'), value)
  t.equal(cache.value(10 as Ino, name('user.a')), undefined)
  t.equal(cache.value(19 as Ino, name('user.a')), value)
  cache.clear()
  t.equal(cache.value(19 as Ino, name('user.a')), undefined)
})
