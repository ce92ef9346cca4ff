import t from 'tap'
import { SeededRandom } from '../../../src/base/random.js'
import { entriesMax } from '../../../src/master/ops/read-directory.js'
import { openLmdbStore } from '../../../src/master/state/lmdb-store.js'
import { Namespace, onEachStore, root } from '../harness/namespace.js'

function page(fs: Namespace, ino: number, after: string, countMax: number) {
  const { result, cached } = fs.read({ $case: 'readDirectory', value: { ino, after: Buffer.from(after), countMax } })
  if (result?.$case !== 'directory') throw new Error('no page')
  const { entries, more, parent } = result.value
  return { names: entries.map(({ name }) => String(name)), entries, more, parent, cached }
}

onEachStore(t, 'a directory is read in pages, in byte order', async (t, fs) => {
  const d = await fs.makeDirectory(root, 'd')
  t.match(page(fs, d.ino, '', 10), { names: [], more: false, parent: root, cached: [d.ino] })
  for (const name of ['b', 'a', 'ab', 'c', 'a b']) await fs.make(d.ino, name)
  await fs.make(root, 'after the directory')
  const first = page(fs, d.ino, '', 3)
  t.match(first, { names: ['a', 'a b', 'ab'], more: true })
  t.same(
    first.entries.map(({ attributes }) => attributes),
    first.cached.slice(1).map(ino => fs.stat(ino)),
  )
  t.match(page(fs, d.ino, 'ab', 3), { names: ['b', 'c'], more: false })
  t.match(page(fs, d.ino, 'ab', 2), { names: ['b', 'c'], more: false }, 'a full page that is the last')
  await fs.unlink(d.ino, 'ab')
  t.match(page(fs, d.ino, 'ab', 3), { names: ['b', 'c'] }, 'after a name that has gone')
  t.match(page(fs, d.ino, '', 0), { names: ['a', 'a b', 'b', 'c'] }, '0 takes a whole page')
})

onEachStore(t, 'a page has its limit', async (t, fs) => {
  await Promise.all(Array.from({ length: entriesMax + 5 }, (_, n) => fs.make(root, `file ${n}`)))
  const first = page(fs, root, '', 1_000_000)
  t.match(first, { more: true })
  t.equal(first.names.length, entriesMax)
  t.equal(page(fs, root, first.names.at(-1) ?? '', 0).names.length, 5)
})

for (const seed of [1, 2, 3]) {
  t.test(`what stays is listed once, whatever others do meanwhile (seed ${seed})`, async t => {
    const random = new SeededRandom(seed)
    const fs = await Namespace.open()
    const below = (limit: number) => Math.floor(random.next() * limit)
    const staying = Array.from({ length: 300 }, (_, n) => `${below(10)}-${n}-stays`)
    for (const name of staying) await fs.make(root, name)
    for (let n = 0; n < 200; n++) await fs.make(root, `${below(10)}-${n}-goes`)
    for (let round = 0; round < 4; round++) {
      const seen: string[] = []
      for (let more = true; more; ) {
        const next = page(fs, root, seen.at(-1) ?? '', 1 + below(20))
        seen.push(...next.names)
        more = next.more
        for (let n = 0; n < 3; n++) {
          const others = fs.names(root).filter(name => !name.endsWith('stays'))
          const other = others[below(others.length)]
          const fresh = `${below(10)}-${round}-${below(1e6)}`
          const what = other ? below(3) : 2
          if (what === 0) await fs.unlink(root, other ?? '')
          else if (what === 1) await fs.rename([root, other ?? ''], [root, fresh])
          else await fs.make(root, fresh, { exclusive: false })
        }
      }
      t.same(
        seen.filter(name => name.endsWith('stays')),
        [...staying].sort(),
      )
      t.equal(new Set(seen).size, seen.length)
    }
  })
}

t.test('a page of a very large directory costs what any other does', async t => {
  const fs = await Namespace.open({ store: openLmdbStore(t.testdir(), 'boot') })
  const file = await fs.make(root, 'a')
  const [small, large] = [await fs.makeDirectory(root, 'small'), await fs.makeDirectory(root, 'large')]
  const name = (n: number) => Buffer.from(`file ${String(n).padStart(6, '0')}`)
  fs.state.transaction(() => {
    for (let n = 0; n < 200; n++) fs.state.dentries.put(small.ino, name(n), file.ino)
    for (let n = 0; n < 200_000; n++) fs.state.dentries.put(large.ino, name(n), file.ino)
  })
  const cost = (ino: number, after: number) => {
    const times = Array.from({ length: 31 }, () => {
      const began = process.hrtime.bigint()
      page(fs, ino, String(name(after)), 100)
      return Number(process.hrtime.bigint() - began)
    })
    return times.sort((a, b) => a - b)[15] ?? 0
  }
  cost(large.ino, 50_000)
  const usual = cost(small.ino, 50)
  const costs = [0, 100_000, 199_000].map(after => cost(large.ino, after))
  await fs.shutdown()
  t.ok(Math.max(...costs) < 5 * usual + 1e6, `${costs} against ${usual} ns`)
})

onEachStore(t, 'only a directory is listed', async (t, fs) => {
  const file = await fs.make(root, 'a')
  t.throws(() => page(fs, file.ino, '', 1), { code: 'NOT_A_DIRECTORY' })
  t.throws(() => page(fs, 999, '', 1), { code: 'NOT_FOUND' })
  t.throws(() => page(fs, root, 'x'.repeat(256), 1), { code: 'NAME_TOO_LONG' })
})
