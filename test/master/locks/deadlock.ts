import t from 'tap'
import { ownerOf, type Wait, wouldDeadlock } from '../../../src/master/locks/deadlock.js'
import { type HeldLock, locksInTheWay } from '../../../src/master/locks/lock-list.js'
import { type Lock, LockKind, LockType } from '../../../src/wire/gen/common.js'

function lock(owner: string, type: LockType = LockType.EXCLUSIVE): Lock {
  return { kind: LockKind.POSIX, type, start: 0, end: 0, owner: Buffer.from(owner), pid: 0 }
}

/** Who holds which file, and who waits for which: "a 1" is owner a of session 1 and file 1. */
function judge(held: readonly string[], waiting: readonly string[], wanted: string): boolean {
  const parse = (text: string): Wait => {
    const [owner = '', ino] = text.split(' ')
    return { session: owner.length, ino: Number(ino), lock: lock(owner) }
  }
  const heldOf = (ino: number): HeldLock[] => held.map(parse).filter(each => each.ino === ino)
  const waits = waiting.map(parse)
  return wouldDeadlock(parse(wanted), {
    of: owner => waits.filter(wait => ownerOf(wait) === owner),
    blockers: ({ session, ino, lock }) => locksInTheWay(heldOf(ino), session, lock),
  })
}

t.test('a circle of waits, over files and sessions', async t => {
  const cases: [name: string, held: string[], waiting: string[], wanted: string, deadlock: boolean][] = [
    ['no one waits', ['a 1'], [], 'b 1', false],
    ['two, crosswise', ['a 1', 'b 2'], ['b 1'], 'a 2', true],
    ['two sessions, crosswise', ['a 1', 'bb 2'], ['bb 1'], 'a 2', true],
    ['a chain that ends', ['a 1', 'b 2', 'c 3'], ['a 2', 'b 3'], 'd 1', false],
    ['a chain that comes back', ['a 1', 'b 2', 'c 3'], ['a 2', 'b 3'], 'c 1', true],
    ['a circle that one is not part of', ['a 1', 'b 2'], ['a 2', 'b 1'], 'c 1', false],
    ['two threads of one owner', ['a 1', 'b 2', 'c 3'], ['a 3', 'a 2'], 'b 1', true],
    ['the same owner in another session', ['a 1', 'b 2', 'aa 3'], ['b 3'], 'a 2', false],
  ]
  for (const [name, held, waiting, wanted, deadlock] of cases) t.equal(judge(held, waiting, wanted), deadlock, name)
})

t.test('a circle through very many is not looked for', async t => {
  const held = Array.from({ length: 400 }, (_, n) => `${'x'.repeat(3)}${n} ${n}`)
  const waiting = Array.from({ length: 399 }, (_, n) => `${'x'.repeat(3)}${n} ${n + 1}`)
  t.equal(judge(held, waiting, 'xxx399 0'), false)
  t.equal(judge(held.slice(0, 101), waiting.slice(0, 100), 'xxx100 0'), true)
})
