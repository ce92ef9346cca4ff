import t from 'tap'
import { answersTakenMs, answersTakenMsMin, frameMs, helloMs, silentMs } from '../../src/dataplane/limits.js'
import { Patience } from '../../src/dataplane/patience.js'

t.test('each thing is waited for as long as it may take, and progress begins the wait anew', async t => {
  for (const [awaited, ms] of [
    ['hello', helloMs],
    ['rest', frameMs],
    ['taking', answersTakenMs],
    ['more', silentMs],
  ] as const) {
    const patience = new Patience()
    t.equal(patience.look(awaited, 1, 100), undefined)
    t.equal(patience.look(awaited, 1, 100 + ms - 1), undefined)
    t.equal(patience.look(awaited, 2, 100 + ms), undefined, 'it has done something')
    t.equal(patience.look(awaited, 2, 100 + 2 * ms - 1), undefined)
    t.match(patience.look(awaited, 2, 100 + 2 * ms), { code: 'TIMEOUT' }, awaited)
  }
})

t.test('nothing is waited for while it is our turn', async t => {
  const patience = new Patience()
  patience.look('rest', 1, 0)
  patience.look('nothing', 1, frameMs - 1)
  t.equal(patience.look('nothing', 1, 100 * silentMs), undefined)
  t.equal(patience.look('rest', 1, 100 * silentMs + 1), undefined)
})

t.test('who takes no answers is waited for less long when others need the room', async t => {
  const patience = new Patience()
  patience.look('taking', 1, 0, true)
  t.equal(patience.look('taking', 1, answersTakenMsMin - 1, true), undefined)
  t.match(patience.look('taking', 1, answersTakenMsMin, true), { code: 'TIMEOUT' })
})

t.test('it knows since when a connection is idle', async t => {
  const patience = new Patience()
  t.equal(patience.idleSince, undefined)
  patience.look('hello', 0, 5)
  t.equal(patience.idleSince, 5)
  patience.look('rest', 1, 6)
  t.equal(patience.idleSince, undefined)
  patience.look('more', 2, 7)
  patience.look('more', 2, 9)
  t.equal(patience.idleSince, 7)
})
