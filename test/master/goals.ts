import t from 'tap'
import { answerGoal, goalEntriesMax } from '../../src/master/goals.js'
import { StateNamespace } from '../../src/master/state-namespace.js'
import { DIRECTORY, Namespace, root } from './harness/namespace.js'

async function open() {
  const fs = await Namespace.open()
  let changes = 0
  const options = {
    ...{ state: fs.state, executor: fs.executor, goal: 3 },
    namespace: new StateNamespace(fs.state, fs.journal, () => undefined),
    changed: () => changes++,
  }
  const ask = (question: { ino?: number; path?: string; goal?: number; entries?: boolean; after?: Buffer }) => {
    const { ino = 0, path = '', goal = 0, entries = false, after = Buffer.alloc(0) } = question
    return answerGoal(options, { ino, path: Buffer.from(path), goal, entries, after })
  }
  return { fs, ask, changes: () => changes }
}

t.test('a goal is told, by number and by path', async t => {
  const { fs, ask, changes } = await open()
  const { ino } = await fs.make(root, 'a')
  t.match(await ask({ ino }), { ino, goal: 3, directory: false, changed: 0 })
  t.match(await ask({ path: '/' }), { ino: root, goal: 0, defaultGoal: 3, directory: true })
  await t.rejects(ask({ path: '/none' }), { code: 'NOT_FOUND' })
  t.equal(changes(), 0)
})

t.test('a goal is set, of a directory also for its files; its directories are named', async t => {
  const { fs, ask, changes } = await open()
  const file = await fs.make(root, 'a')
  const below = await fs.make(root, 'd', { type: DIRECTORY })
  t.match(await ask({ ino: root, goal: 2 }), { goal: 2, changed: 1, directories: [] })
  t.equal(fs.stat(file.ino).goal, 3)
  const reply = await ask({ ino: root, goal: 2, entries: true })
  t.match(reply, { changed: 1, directories: [below.ino] })
  t.equal(reply.next.length, 0)
  t.equal(fs.stat(file.ino).goal, 2)
  t.equal(fs.stat(below.ino).goal, 0, 'asked for by itself')
  t.equal(changes(), 2)
  await t.rejects(ask({ ino: root, goal: 77 }), { code: 'INVALID_ARGUMENT' })
})

t.test('a large directory comes in pages', async t => {
  const { fs, ask } = await open()
  const count = goalEntriesMax + 10
  for (let i = 0; i < count; i++) await fs.make(root, `f${i}`)
  const first = await ask({ ino: root, goal: 1, entries: true })
  t.equal(first.changed, goalEntriesMax + 1)
  const second = await ask({ ino: root, goal: 1, entries: true, after: first.next })
  t.match(second, { changed: 10 })
  t.equal(second.next.length, 0)
})
