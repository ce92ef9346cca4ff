import t from 'tap'
import { entriesMax } from '../../../src/master/ops/read-directory.js'
import { type Namespace, onEachStore, root } from '../harness/namespace.js'

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

onEachStore(t, 'only a directory is listed', async (t, fs) => {
  const file = await fs.make(root, 'a')
  t.throws(() => page(fs, file.ino, '', 1), { code: 'NOT_A_DIRECTORY' })
  t.throws(() => page(fs, 999, '', 1), { code: 'NOT_FOUND' })
  t.throws(() => page(fs, root, 'x'.repeat(256), 1), { code: 'NAME_TOO_LONG' })
})
