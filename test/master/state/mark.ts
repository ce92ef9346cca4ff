import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { discardMark, readMark, syncPath, writeMark } from '../../../src/master/state/mark.js'

t.test('a mark is what was written last, or nothing', async t => {
  const directory = t.testdir()
  t.equal(readMark(directory), undefined)
  writeMark(directory, { bootId: 'a', clean: false, recordsLost: false })
  writeMark(directory, { bootId: 'b', clean: true, recordsLost: true })
  t.same(readMark(directory), { bootId: 'b', clean: true, recordsLost: true })
  writeFileSync(join(directory, 'mark.json'), '{"bootId"')
  t.equal(readMark(directory), undefined, 'half of one is none')
  discardMark(directory)
  discardMark(directory)
  t.equal(readMark(directory), undefined)
  t.throws(() => syncPath(join(directory, 'none')))
})
