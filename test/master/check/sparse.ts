import t from 'tap'
import { Sparse } from '../../../src/master/check/sparse.js'

t.test('numbers are kept by inode number, however far apart', async t => {
  const counts = new Sparse('counts')
  counts.set(1, 5)
  counts.add(2 ** 32 - 1, -3)
  counts.add(1, -7)
  counts.set(5000, 1)
  counts.add(5000, -1)
  t.same([...counts.entries()].sort(), [
    [1, -2],
    [2 ** 32 - 1, -3],
  ])
  t.same([counts.get(2), counts.get(2 ** 40)], [0, 0])
})

t.test('flags are small', async t => {
  const flags = new Sparse('flags')
  flags.set(7, 255)
  t.same([...flags.entries()], [[7, 255]])
})
