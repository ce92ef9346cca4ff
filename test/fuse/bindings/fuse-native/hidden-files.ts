import t from 'tap'
import { SimulatedClock } from '../../../../src/base/simulated-clock.js'
import type { Ino } from '../../../../src/client/file-system.js'
import { HiddenFiles } from '../../../../src/fuse/bindings/fuse-native/hidden-files.js'

const hiddenName = (counter: number) => `.fuse_hidden0000000a${counter.toString(16).padStart(8, '0')}`

t.test('only what libfuse would do is taken for hiding', async t => {
  const hidden = new HiddenFiles()
  t.ok(hidden.isHiding('/d', '/d', hiddenName(1)))
  t.notOk(hidden.isHiding('/d', '/e', hiddenName(1)), 'another directory')
  t.notOk(hidden.isHiding('/d', '/d', '.fuse_hidden1'), 'another name')
  t.notOk(hidden.isHiding('/d', '/d', `x${hiddenName(1)}`))
  t.notOk(hidden.isHiding('/d', '/d', hiddenName(0xffff)), 'a count that libfuse has not reached')
  hidden.hide(hiddenName(1), 5 as Ino, 1 as Ino)
  t.notOk(hidden.isHiding('/d', '/d', hiddenName(1)), 'a name that is taken')
})

t.test('the count is followed as it rises', async t => {
  const hidden = new HiddenFiles()
  for (let counter = 1; counter <= 1000; counter++) {
    if (!hidden.isHiding('/', '/', hiddenName(counter))) t.fail(`not at ${counter}`)
    hidden.hide(hiddenName(counter), counter as Ino, 1 as Ino)
  }
  t.notOk(hidden.isHiding('/', '/', hiddenName(2)))
})

t.test('a file is found by each hidden name until it is forgotten', async t => {
  const hidden = new HiddenFiles()
  hidden.hide(hiddenName(1), 5 as Ino, 1 as Ino)
  hidden.hide(hiddenName(2), 5 as Ino, 1 as Ino)
  hidden.hide(hiddenName(3), 6 as Ino, 1 as Ino)
  t.same(
    [1, 2, 3].map(counter => hidden.inoOf(hiddenName(counter))),
    [5, 5, 6],
  )
  hidden.forget(5 as Ino)
  hidden.forget(7 as Ino)
  t.same(
    [1, 2, 3].map(counter => hidden.inoOf(hiddenName(counter))),
    [undefined, undefined, 6],
  )
})

t.test('a directory is known to hide a file until the last such is forgotten', async t => {
  const clock = new SimulatedClock()
  const hidden = new HiddenFiles(clock)
  t.ok(hidden.isEmpty)
  hidden.hide(hiddenName(1), 5 as Ino, 3 as Ino)
  hidden.hide(hiddenName(2), 6 as Ino, 3 as Ino)
  t.notOk(hidden.isEmpty)
  t.notOk(await hidden.staysIn(4 as Ino), 'another directory')

  hidden.forget(5 as Ino)
  const open = hidden.staysIn(3 as Ino)
  await clock.advance(1000)
  t.ok(await open, 'while the other is open')

  const closing = hidden.staysIn(3 as Ino)
  await clock.advance(100)
  hidden.forget(6 as Ino)
  await clock.advance(10)
  t.notOk(await closing, 'a file that is closed meanwhile is waited for')
  t.ok(hidden.isEmpty)
})
