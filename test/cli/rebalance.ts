import t from 'tap'
import { rebalanceProgress } from '../../src/cli/rebalance.js'

const status = {
  ...{ running: true, percent: 5, movedReplicas: 3, movedBytes: 300, remainingBytes: 100 },
  ...{ leastUsed: 1234, mostUsed: 5000 },
}

t.test('how far the evening out is', async t => {
  t.match(rebalanceProgress(status), { share: 0.75, text: /^3 replicas moved .*12.3 % to 50.0 % full$/, done: false })
  t.match(rebalanceProgress({ ...status, running: false }), { share: 1, done: true })
  t.match(rebalanceProgress(undefined), { done: true })
})
