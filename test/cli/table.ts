import t from 'tap'
import { bytesText, table } from '../../src/cli/table.js'

t.test('text stands left, numbers right, and no line ends in blanks', async t => {
  t.equal(
    table(
      ['NAME', 'COUNT', 'STATE'],
      [
        ['a', 7, 'up'],
        ['longer', 12_345_678, ''],
      ],
    ),
    ['NAME       COUNT  STATE', 'a              7  up', 'longer  12345678'].join('\n'),
  )
})

t.test('sizes are told in the largest unit that fits', async t => {
  const cases: [bytes: number, text: string][] = [
    [0, '0 B'],
    [1023, '1023 B'],
    [1024, '1.0 KiB'],
    [1.5 * 2 ** 20, '1.5 MiB'],
    [2 ** 30, '1.0 GiB'],
    [2 ** 50, '1024.0 TiB'],
  ]
  for (const [bytes, text] of cases) t.equal(bytesText(bytes), text)
})
