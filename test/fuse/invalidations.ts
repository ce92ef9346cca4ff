import t from 'tap'
import type { Ino } from '../../src/client/file-system.js'
import { InvalidationRelay } from '../../src/fuse/invalidations.js'

t.test('what is invalidated reaches the one who listens, and is waited for', async t => {
  const relay = new InvalidationRelay()
  await relay.invalidated('all')
  const heard: unknown[] = []
  let taken = () => {}
  relay.listen(inos => {
    heard.push(inos)
    return new Promise(resolve => {
      taken = resolve
    })
  })
  let done = false
  const told = relay.invalidated([7 as Ino]).then(() => {
    done = true
  })
  await new Promise(resolve => setImmediate(resolve))
  t.same(heard, [[7]])
  t.notOk(done)
  taken()
  await told
})
