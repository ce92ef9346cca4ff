import t from 'tap'
import { alignedPieces, uncovered } from '../../src/client/ranges.js'

const range = (start: number, end: number) => ({ start, end })

t.test('what nothing covers is left, in order', async t => {
  const cases: [covered: [number, number][], left: [number, number][]][] = [
    [[], [[10, 20]]],
    [[[0, 30]], []],
    [[[10, 20]], []],
    [[[0, 12]], [[12, 20]]],
    [[[18, 30]], [[10, 18]]],
    [
      [
        [16, 18],
        [12, 14],
      ],
      [
        [10, 12],
        [14, 16],
        [18, 20],
      ],
    ],
    [
      [
        [11, 15],
        [12, 13],
      ],
      [
        [10, 11],
        [15, 20],
      ],
    ],
    [
      [
        [0, 5],
        [30, 40],
      ],
      [[10, 20]],
    ],
  ]
  for (const [covered, left] of cases) {
    const got = uncovered(
      range(10, 20),
      covered.map(([a, b]) => range(a, b)),
    )
    t.same(
      got,
      left.map(([a, b]) => range(a, b)),
      JSON.stringify(covered),
    )
  }
})

t.test('pieces end at multiples of the unit, and together are the range', async t => {
  t.same([...alignedPieces(range(5, 25), 10)], [range(5, 10), range(10, 20), range(20, 25)])
  t.same([...alignedPieces(range(10, 20), 10)], [range(10, 20)])
  t.same([...alignedPieces(range(3, 3), 10)], [])
})
