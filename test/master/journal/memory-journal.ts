import t from 'tap'
import { MemoryJournal } from '../../../src/master/journal/memory-journal.js'
import { journalSuite } from '../../suites/journal.js'

journalSuite(t, () => new MemoryJournal())

t.test('a copy ends where the crash did', async t => {
  const journal = new MemoryJournal()
  journal.append(['a', 'b', 'c'].map(text => Buffer.from(text)))
  const copy = MemoryJournal.from(journal, 2)
  t.same(
    Array.from(copy.read(1), ({ payload }) => String(payload)),
    ['a', 'b'],
  )
  copy.append([Buffer.from('x')])
  t.equal(journal.lastIndex, 3, 'the original stays as it was')
})
