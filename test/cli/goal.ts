import t from 'tap'
import { setGoal } from '../../src/cli/goal.js'
import type { GoalReply, GoalRequest } from '../../src/wire/gen/admin.js'

const reply = (more: Partial<GoalReply>): GoalReply => ({
  ...{ ino: 1, goal: 2, defaultGoal: 3, directory: true, changed: 1, directories: [], next: Buffer.alloc(0) },
  ...more,
})

t.test('a tree is set page by page and directory by directory', async t => {
  const asked: string[] = []
  const pages: Record<string, GoalReply> = {
    '1 ': reply({ directories: [10], next: Buffer.from('m') }),
    '1 m': reply({ directories: [11], changed: 5 }),
    '10 ': reply({ ino: 10, changed: 7 }),
    '11 ': reply({ ino: 11, changed: 0 }),
  }
  const ask = async ({ ino, after }: GoalRequest) => {
    asked.push(`${ino} ${after}`)
    return pages[`${ino} ${after}`] ?? reply({})
  }
  const request = { ino: 1, path: Buffer.alloc(0), goal: 2, entries: true, after: Buffer.alloc(0) }
  t.match(await setGoal(ask, request), { ino: 1, changed: 13 })
  t.same(asked.sort(), Object.keys(pages).sort())
  asked.length = 0
  await setGoal(ask, { ...request, goal: 0 })
  t.same(asked, ['1 '], 'who only asks asks once')
})
