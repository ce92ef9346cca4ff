import t from 'tap'
import { difference, endOf } from '../../../src/chunkserver/levelling/difference.js'
import type { StoredChecksums } from '../../../src/chunkserver/store/chunk-store.js'
import { checksumBlockSize as block, mutationSizeMax } from '../../../src/constants.js'

/** A letter a block: "." is a hole, "0" stored zeros. */
function holding(text: string, length = text.length * block): StoredChecksums {
  const blocks = Buffer.alloc(Math.ceil(text.length / 8))
  const checksums = Uint32Array.from(text, (letter, index) => {
    if (letter !== '.') blocks[index >> 3] = (blocks[index >> 3] ?? 0) | (1 << (index & 7))
    return letter === '.' || letter === '0' ? 0 : letter.charCodeAt(0)
  })
  return { blocks, length, checksums }
}

const run = (first: number, end: number) => ({ first, end })

t.test('nothing is to be done where nothing differs', async t => {
  t.equal(difference(holding('ab.0'), holding('ab.0')), undefined)
  t.equal(difference(holding(''), holding('')), undefined)
})

t.test('only what differs is fetched, neighbours together', async t => {
  t.same(difference(holding('abcdef'), holding('aBCdeF')), {
    holes: [],
    fetches: [run(1, 3), run(5, 6)],
    growTo: undefined,
  })
})

t.test('what is a hole there becomes one here, and stored zeros are stored', async t => {
  t.same(difference(holding('abc'), holding('a.c')), { holes: [run(1, 2)], fetches: [], growTo: undefined })
  t.same(difference(holding('a.c'), holding('a0c')), { holes: [], fetches: [run(1, 2)], growTo: undefined })
  t.same(difference(holding('a0c'), holding('a.c')), { holes: [run(1, 2)], fetches: [], growTo: undefined })
})

t.test('a shorter replica gets what it lacks, and holes at the end by growing', async t => {
  t.same(difference(holding('a'), holding('abc')), { holes: [], fetches: [run(1, 3)], growTo: undefined })
  t.same(difference(holding('a'), holding('ab..')), { holes: [], fetches: [run(1, 2)], growTo: 4 * block })
  t.same(difference(holding('a', 100), holding('a', 200)), { holes: [], fetches: [], growTo: 200 })
  t.same(difference(holding('a', 100), holding('b', 200)), { holes: [], fetches: [run(0, 1)], growTo: undefined })
})

t.test('fetches are no longer than a read may be', async t => {
  const many = (mutationSizeMax / block) * 2 + 3
  const { fetches } = difference(holding(''), holding('x'.repeat(many))) ?? {}
  t.same(fetches, [run(0, 64), run(64, 128), run(128, 131)])
  t.equal(endOf(run(128, 131), 130 * block + 5), 130 * block + 5)
})

t.test('a longer replica is to be cut first', async t => {
  t.throws(() => difference(holding('ab'), holding('a')), { name: 'AssertionError' })
})
