import t from 'tap'
import { chunkSize } from '../../../src/constants.js'
import { checkPurge, purgedAtOnce, purgedAtOnceMax } from '../../../src/master/ops/purge.js'
import type { Ino } from '../../../src/wire/ids.js'
import { inconsistencies } from '../harness/consistency.js'
import { Namespace, onEachStore, outcomeOf, root } from '../harness/namespace.js'
import { trashOf, writeFile } from '../harness/trash.js'

onEachStore(
  t,
  'files are purged, and what is not in the trash is passed over',
  async (t, fs) => {
    const files = [await writeFile(fs, root, 'a'), await writeFile(fs, root, 'b'), await writeFile(fs, root, 'c')]
    const [first, second, live] = files as [Ino, Ino, Ino]
    await fs.unlink(root, 'a')
    await fs.unlink(root, 'b')
    const directory = fs.state.inodes.get(first).trash?.directory
    t.match(checkPurge(fs.state, [live, 99 as Ino]), { kind: 'answer' })
    const handle = fs.state.chunks.at(first, 0)?.handle
    const outcome = outcomeOf(await fs.submit(state => checkPurge(state, [first, live, first])))
    t.same(outcome.freed, [handle])
    t.same(outcome.touched, [directory, first])
    t.same([trashOf(fs, 10), fs.names(root)], [[`${second}-b`], ['c']])
    t.match(fs.state.meta.current, { trashCount: 1, trashBytes: 100, inodeCount: 3 })
    t.same(inconsistencies(fs.store), [])
    const many = Array.from({ length: purgedAtOnceMax + 1 }, () => second)
    t.throws(() => checkPurge(fs.state, many), { code: 'INVALID_ARGUMENT' })
  },
  { trash: true },
)

onEachStore(
  t,
  'a purged file that someone reads lives until it is closed, and does not come back',
  async (t, fs) => {
    const ino = await writeFile(fs, root, 'a')
    await fs.unlink(root, 'a')
    await fs.open(ino)
    t.same(outcomeOf(await fs.submit(state => checkPurge(state, [ino]))).freed, [])
    t.match(fs.stat(ino), { nlink: 0 })
    t.same(inconsistencies(fs.store), [])
    t.equal((await fs.close(ino)).freed.length, 1)
    t.same([trashOf(fs, 10), fs.state.inodes.find(ino)], [[], undefined])
  },
  { trash: true },
)

t.test('large files are purged a few at a time', async t => {
  const fs = await Namespace.open({ trash: true })
  const inos: Ino[] = []
  for (const [name, chunks] of Object.entries({ a: 3000, b: 1000, c: 200, d: 9000 })) {
    const ino = await writeFile(fs, root, name)
    await fs.change({ $case: 'written', value: { ino, size: chunks * chunkSize, mtime: undefined, usage: [] } })
    inos.push(ino)
  }
  const [a, b, c, d] = inos
  t.same(purgedAtOnce(fs.state, inos), [a, b])
  t.same(purgedAtOnce(fs.state, inos.slice(2)), [c])
  t.same(purgedAtOnce(fs.state, inos.slice(3)), [d], 'one is purged in any case')
  t.equal(purgedAtOnce(fs.state, new Array(1000).fill(99)).length, purgedAtOnceMax)
  t.same(purgedAtOnce(fs.state, []), [])
})
