// What every surviving map does.

import type { Test } from 'tap'
import type { SurvivingMap } from '../../src/base/surviving-map.js'

export interface Generations {
  map(): SurvivingMap
  /** As the next process finds it; map() is that from now on. */
  next(): SurvivingMap
}

export function survivingMapSuite(t: Test, begin: (t: Test) => Generations): void {
  const contents = ({ inherited }: SurvivingMap) =>
    Object.fromEntries(inherited.map(({ key, value, bytes }) => [key, [value, bytes.toString()]]))

  t.test('the first process finds nothing, the next what was put', async t => {
    const generations = begin(t)
    t.same(generations.map().inherited, [])
    generations.map().put('a', { n: 1 })
    generations.map().put('b', [2], [Buffer.from('some '), Buffer.from('bytes')])
    t.same(contents(generations.next()), { a: [{ n: 1 }, ''], b: [[2], 'some bytes'] })
    t.same(contents(generations.next()), { a: [{ n: 1 }, ''], b: [[2], 'some bytes'] }, 'and the one after it')
  })

  t.test('what was put last counts', async t => {
    const generations = begin(t)
    generations.map().put('a', 1, [Buffer.from('old')])
    generations.map().put('a', 2)
    t.same(contents(generations.next()), { a: [2, ''] })
    generations.map().put('a', 3)
    t.same(contents(generations.next()), { a: [3, ''] })
  })

  t.test('what was removed is gone, alone or with something put', async t => {
    const generations = begin(t)
    for (const key of ['a', 'b', 'c', 'd']) generations.map().put(key, key)
    generations.map().remove(['a', 'none'])
    generations.map().put('e', 'e', [], ['b', 'none'])
    generations.map().forget('c')
    generations.map().put('f', 'f')
    t.same(Object.keys(contents(generations.next())).sort(), ['d', 'e', 'f'])
    generations.map().remove(['d', 'e', 'f'])
    t.same(contents(generations.next()), {})
  })

  t.test('a key that was forgotten can be put again', async t => {
    const generations = begin(t)
    generations.map().put('a', 1)
    generations.map().forget('a')
    generations.map().put('a', 2)
    t.same(contents(generations.next()), { a: [2, ''] })
  })
}
