import t from 'tap'
import { Interest } from '../../../src/master/clients/interest.js'
import type { Ino } from '../../../src/wire/ids.js'

const [one, two] = [1 as Ino, 2 as Ino]

t.test('holders of an inode are known until they are removed', async t => {
  const interest = new Interest<string>()
  t.same(interest.holders(one), [])
  interest.add(one, 'a')
  interest.add(one, 'a')
  interest.add(one, 'b')
  interest.add(two, 'b')
  t.same([interest.holders(one), interest.holders(two), interest.size], [['a', 'b'], ['b'], 2])
  interest.remove(one, 'a')
  interest.remove(one, 'c')
  t.same(interest.holders(one), ['b'])
  interest.remove(one, 'b')
  interest.remove(two, 'b')
  t.equal(interest.size, 0, 'nothing is kept of what no one has')
})
