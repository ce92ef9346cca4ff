import t from 'tap'
import { drainProgress } from '../../src/cli/drain.js'

const status = { serverId: 's', remaining: 5, withoutTarget: 0, done: false }

t.test('how far a drain is, and when it is done or can do no more', async t => {
  t.same(drainProgress('s', { ...status, remaining: -1 }, 0), { share: 0, text: 'counting what is on it', done: false })
  t.same(drainProgress('s', status, 20), { share: 0.75, text: '5 replicas left', done: false })
  t.match(drainProgress('s', { ...status, remaining: 0, done: true }, 20), {
    share: 1,
    text: /may be taken away/,
    done: true,
  })
  t.match(drainProgress('s', { ...status, withoutTarget: 2 }, 20), { text: /2 of which no other/, done: false })
  t.match(drainProgress('s', { ...status, withoutTarget: 5 }, 20), { done: true }, 'nothing more can be moved')
  t.match(drainProgress('s', undefined, 20), { text: /not being emptied any more/, done: true })
})
