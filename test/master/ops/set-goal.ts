import t from 'tap'
import { goalMax } from '../../../src/constants.js'
import { checkAllocate } from '../../../src/master/ops/chunks.js'
import { checkSetGoal } from '../../../src/master/ops/set-goal.js'
import type { Ino } from '../../../src/wire/ids.js'
import { onEachStore, root } from '../harness/namespace.js'

onEachStore(t, 'a goal is that of the file and of all its chunks', async (t, fs) => {
  const file = await fs.make(root, 'a')
  const ino = file.ino as Ino
  const chunks = [0, 1, 7].map(index => ({ index, replicaCount: 3 }))
  await fs.submit(state => checkAllocate(state, ino, chunks))
  const goals = () => [0, 1, 7].map(index => fs.state.chunks.at(ino, index)?.goal)
  await fs.submit(state => checkSetGoal(state, ino, 5))
  t.equal(fs.state.inodes.get(ino).attributes.goal, 5)
  t.same(goals(), [5, 5, 5])
  t.match(checkSetGoal(fs.state, ino, 5), { kind: 'answer' }, 'again is nothing')
})

onEachStore(t, 'new files take the goal of their directory', async (t, fs) => {
  await fs.submit(state => checkSetGoal(state, root as Ino, 2))
  t.equal((await fs.make(root, 'a')).goal, 2)
})

onEachStore(t, 'a goal is in its range, and of something that is there', async (t, fs) => {
  for (const goal of [0, -1, goalMax + 1]) {
    t.throws(() => checkSetGoal(fs.state, root as Ino, goal), { code: 'INVALID_ARGUMENT' }, String(goal))
  }
  t.throws(() => checkSetGoal(fs.state, 999 as Ino, 2), { code: 'NOT_FOUND' })
})
