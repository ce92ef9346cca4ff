import t from 'tap'
import { silentLog } from '../../../../src/base/log.js'
import { Threads } from '../../../../src/fuse/bindings/fuse-native/threads.js'

/** How often the number of threads was fixed after so many records, with so many requests under way. */
function fixed(records: number, busy: number, works = true): number {
  let count = 0
  const threads = new Threads(() => {
    count++
    return works
  }, silentLog)
  for (let i = 0; i < busy + 5; i++) threads.requestBegun()
  for (let i = 0; i < 5; i++) threads.requestEnded()
  for (let i = 0; i < records; i++) threads.recordMade()
  return count
}

t.test('the number of threads is fixed when many are busy, or too many were made', async t => {
  t.equal(fixed(63, 100), 0, 'a few records are no harm')
  t.equal(fixed(64, 24), 1)
  t.equal(fixed(255, 23), 0, 'not while few are busy')
  t.equal(fixed(256, 0), 1)
})

t.test('it is fixed again when a thread was made nevertheless, and given up when it fails', async t => {
  t.equal(fixed(66, 24), 3)
  t.equal(fixed(66, 24, false), 1)
})
