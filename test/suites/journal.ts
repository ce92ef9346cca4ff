import type { Test } from 'tap'
import type { Journal } from '../../src/master/journal/journal.js'

/** What every Journal must do. `open` makes an empty one. */
export function journalSuite(t: Test, open: (t: Test) => Journal | Promise<Journal>): void {
  const test = (name: string, body: (t: Test, journal: Journal) => Promise<void>) =>
    t.test(name, async t => {
      const journal = await open(t)
      try {
        await body(t, journal)
      } finally {
        await journal.close()
      }
    })
  const texts = (journal: Journal, first: number) =>
    Array.from(journal.read(first), ({ index, payload }) => `${index} ${payload}`)

  test('an empty journal has no records', async (t, journal) => {
    t.equal(journal.lastIndex, 0)
    t.same(texts(journal, 1), [])
    await journal.sync()
  })

  test('records are numbered densely from 1', async (t, journal) => {
    journal.append([Buffer.from('a'), Buffer.from('b')])
    t.equal(journal.lastIndex, 2)
    journal.append([])
    t.equal(journal.lastIndex, 2)
    journal.append([Buffer.from('c')])
    t.same(texts(journal, 1), ['1 a', '2 b', '3 c'])
  })

  test('reading begins where it is asked to', async (t, journal) => {
    journal.append(['a', 'b', 'c'].map(text => Buffer.from(text)))
    t.same(texts(journal, 2), ['2 b', '3 c'])
    t.same(texts(journal, 3), ['3 c'])
    t.same(texts(journal, 4), [], 'after the end there is nothing')
  })

  test('a payload may be empty, large, and is not the caller’s any more', async (t, journal) => {
    const large = Buffer.alloc(1_000_000, 7)
    journal.append([Buffer.alloc(0), large])
    large.fill(8)
    const [first, second] = journal.read(1)
    t.equal(first?.payload.length, 0)
    t.ok(second?.payload.equals(Buffer.alloc(1_000_000, 7)))
  })

  test('concurrent syncs all resolve', async (t, journal) => {
    const syncs = [0, 1, 2, 3].map(n => {
      journal.append([Buffer.from(String(n))])
      return journal.sync()
    })
    await Promise.all(syncs)
    t.equal(journal.lastIndex, 4)
  })

  test('what is discarded is what was apart from the rest, and is missed when it is read', async (t, journal) => {
    journal.append(['a', 'b'].map(text => Buffer.from(text)))
    await journal.roll()
    journal.append(['c', 'd'].map(text => Buffer.from(text)))
    t.same([journal.firstIndex, journal.lastIndex], [1, 4])
    t.ok(journal.bytesAfter(0) > journal.bytesAfter(2))
    t.ok(journal.bytesAfter(2) >= 2)
    t.equal(journal.bytesAfter(4), 0)
    journal.discardThrough(2)
    t.same([journal.firstIndex, journal.lastIndex], [3, 4])
    t.same(texts(journal, 3), ['3 c', '4 d'])
    t.throws(() => texts(journal, 2), { code: 'CORRUPT', message: /record 2 is missing/ })
    await journal.roll()
    journal.discardThrough(4)
    t.same([journal.firstIndex, journal.lastIndex, journal.bytesAfter(4)], [5, 4, 0])
    journal.append([Buffer.from('e')])
    t.same(texts(journal, 5), ['5 e'])
  })

  test('closing twice is closing once', async (t, journal) => {
    journal.append([Buffer.from('a')])
    await journal.close()
    await t.resolves(journal.close())
  })
}
