import t, { type Test } from 'tap'
import { listDirectory, listPage } from '../../src/client/list-directory.js'
import { Metadata } from '../../src/client/metadata.js'
import type { Result } from '../../src/client/requests.js'
import type { Ino } from '../../src/wire/ids.js'
import { attributesOf, attributesResult, ScriptedMaster } from './harness/master.js'

const directory = 1 as Ino

/** A master whose directory has `count` entries and shows two at a time. */
async function start(t: Test, count: number) {
  const master = await new ScriptedMaster().start()
  const names = Array.from({ length: count }, (_, at) => `f${at}`)
  const page = (after: string): Result => {
    const from = after === '' ? 0 : names.indexOf(after) + 1
    const entries = names.slice(from, from + 2).map((name, at) => ({
      name: Buffer.from(name),
      attributes: attributesOf(10 + from + at),
    }))
    return { $case: 'directory', value: { entries, more: from + 2 < names.length, parent: 1 } }
  }
  master.answer = operation =>
    operation.$case === 'readDirectory' ? page(operation.value.after.toString()) : attributesResult(1, { type: 2 })
  const session = await master.session(t)
  const metadata = new Metadata(session, () => {})
  session.listen({ invalidated: inos => inos.forEach(ino => void metadata.cache.drop(ino)), reset() {} })
  const list = async () => {
    const listing = listDirectory(metadata, directory)
    for (let turn = 0; turn < 10; turn++) await master.settle()
    return (await listing).entries.map(({ name }) => name.toString())
  }
  const pageAfter = async (after: string) => {
    const page = listPage(metadata, directory, Buffer.from(after))
    await master.settle()
    const { entries, more } = await page
    return { names: entries.map(({ name }) => name.toString()), more }
  }
  return {
    master,
    metadata,
    list,
    pageAfter,
    pagesAsked: () => master.asked.filter(kind => kind === 'readDirectory').length,
  }
}

t.test('all pages are read, and remembered', async t => {
  const { list, pagesAsked, metadata } = await start(t, 5)
  t.same(await list(), ['f0', 'f1', 'f2', 'f3', 'f4'])
  t.equal(pagesAsked(), 3)
  t.same(await list(), ['f0', 'f1', 'f2', 'f3', 'f4'])
  t.equal(pagesAsked(), 3)
  t.match(metadata.cache.attributes(12 as Ino), { ino: 12 }, 'so are the attributes of the entries')
})

t.test('a page is asked for, unless the whole directory is known', async t => {
  const { list, pageAfter, pagesAsked } = await start(t, 5)
  t.same(await pageAfter(''), { names: ['f0', 'f1'], more: true })
  t.same(await pageAfter('f1'), { names: ['f2', 'f3'], more: true })
  t.same(await pageAfter('f3'), { names: ['f4'], more: false })
  t.equal(pagesAsked(), 3)
  await list()
  t.same(await pageAfter('f1'), { names: ['f2', 'f3', 'f4'], more: false })
  t.equal(pagesAsked(), 6)
})

t.test('a directory that is one page is remembered whole', async t => {
  const { list, pageAfter, pagesAsked } = await start(t, 2)
  t.same(await pageAfter(''), { names: ['f0', 'f1'], more: false })
  t.same(await pageAfter(''), { names: ['f0', 'f1'], more: false })
  t.same(await list(), ['f0', 'f1'])
  t.equal(pagesAsked(), 1)
})

t.test('an empty directory has one empty page', async t => {
  const { list, pagesAsked } = await start(t, 0)
  t.same(await list(), [])
  t.equal(pagesAsked(), 1)
})

t.test(
  'a listing during which the directory changes is begun again, and not remembered if it never holds still',
  async t => {
    const { master, metadata, list, pagesAsked } = await start(t, 5)
    const answer = master.answer
    let changes = 1
    master.answer = operation => {
      if (operation.$case === 'readDirectory' && changes-- > 0) master.invalidate(changes, [1])
      return answer(operation)
    }
    t.equal((await list()).length, 5)
    t.equal(pagesAsked(), 6, 'twice')
    t.ok(metadata.cache.listing(directory))

    changes = 100
    metadata.cache.dropListing(directory)
    t.equal((await list()).length, 5)
    t.equal(pagesAsked(), 6 + 9, 'three times')
    t.equal(metadata.cache.listing(directory), undefined)
  },
)
