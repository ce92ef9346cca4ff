import t from 'tap'
import { SeededRandom } from '../../../src/base/random.js'
import { type HeldLock, isSettled, lockInTheWay, locksInTheWay, withLock } from '../../../src/master/locks/lock-list.js'
import { type Lock, LockKind, LockType } from '../../../src/wire/gen/common.js'

const types = { s: LockType.SHARED, x: LockType.EXCLUSIVE, u: LockType.UNLOCKED } as const

/** "a x 0-10": owner a of session 1, exclusive, bytes 0 to 10; "-" without an end; "A" is a flock. */
function parse(text: string): Lock {
  const [owner = '', type = 'u', range = '0-'] = text.split(' ')
  const [start, end] = range.split('-')
  const kind = owner === owner.toUpperCase() ? LockKind.FLOCK : LockKind.POSIX
  return { kind, type: types[type as 's'], start: Number(start), end: Number(end), owner: Buffer.from(owner), pid: 1 }
}

function show({ lock }: HeldLock): string {
  const type = lock.type === LockType.SHARED ? 's' : 'x'
  return `${lock.owner} ${type} ${lock.start}-${lock.end || ''}`
}

function after(...texts: string[]): string[] {
  return texts.reduce<HeldLock[]>((held, text) => withLock(held, 1, parse(text)), []).map(show)
}

t.test('ranges of one owner are merged, cut and replaced', async t => {
  const cases: [name: string, locks: string[], left: string[]][] = [
    ['apart', ['a s 0-10', 'a s 20-30'], ['a s 0-10', 'a s 20-30']],
    ['touching', ['a s 0-10', 'a s 10-20'], ['a s 0-20']],
    ['touching from below', ['a s 10-20', 'a s 0-10'], ['a s 0-20']],
    ['overlapping', ['a x 0-10', 'a x 5-20'], ['a x 0-20']],
    ['closing a gap', ['a x 0-10', 'a x 20-30', 'a x 10-20'], ['a x 0-30']],
    ['touching, of another type', ['a s 0-10', 'a x 10-20'], ['a s 0-10', 'a x 10-20']],
    ['upgraded in the middle', ['a s 0-30', 'a x 10-20'], ['a s 0-10', 'a x 10-20', 'a s 20-30']],
    ['downgraded again', ['a s 0-30', 'a x 10-20', 'a s 10-20'], ['a s 0-30']],
    ['upgraded whole', ['a s 10-20', 'a x 0-30'], ['a x 0-30']],
    ['unlocked in the middle', ['a x 0-30', 'a u 10-20'], ['a x 0-10', 'a x 20-30']],
    ['unlocked at the front', ['a x 0-30', 'a u 0-10'], ['a x 10-30']],
    ['unlocked at the end', ['a x 0-30', 'a u 20-'], ['a x 0-20']],
    ['unlocked with more around it', ['a x 10-20', 'a u 0-'], []],
    ['without an end', ['a x 10-', 'a u 100-200'], ['a x 10-100', 'a x 200-']],
    ['to the end, twice', ['a x 10-', 'a x 5-'], ['a x 5-']],
    ['owners are apart', ['a s 0-10', 'b s 5-15', 'a u 0-'], ['b s 5-15']],
    ['kinds are apart', ['A x 0-', 'a x 0-', 'a u 0-'], ['A x 0-']],
    ['a flock changes as a whole', ['A s 0-', 'A x 0-'], ['A x 0-']],
  ]
  for (const [name, locks, left] of cases) t.same(after(...locks), left, name)
})

t.test('owners of different sessions are different owners', async t => {
  const held = withLock([], 1, parse('a x 0-10'))
  t.equal(lockInTheWay(held, 1, parse('a x 0-10')), undefined)
  t.same(lockInTheWay(held, 2, parse('a x 0-10')), held[0])
  t.same(withLock(held, 2, parse('a u 0-')), held)
})

t.test('what is in the way, first by start', async t => {
  const held = ['a s 10-20', 'b x 30-40', 'c s 5-15', 'D x 0-'].reduce<HeldLock[]>(
    (list, text) => withLock(list, 1, parse(text)),
    [],
  )
  const cases: [wanted: string, first: string | undefined, all: number][] = [
    ['e s 0-30', undefined, 0],
    ['e x 0-5', undefined, 0],
    ['e x 0-6', 'c s 5-15', 1],
    ['e x 0-', 'c s 5-15', 3],
    ['e x 15-35', 'a s 10-20', 2],
    ['e s 0-', 'b x 30-40', 1],
    ['b s 0-', undefined, 0],
    ['e x 40-', undefined, 0],
    ['E s 0-', 'D x 0-', 1],
  ]
  for (const [wanted, first, all] of cases) {
    const found = lockInTheWay(held, 1, parse(wanted))
    t.equal(found && show(found), first, wanted)
    t.equal(locksInTheWay(held, 1, parse(wanted)).length, all)
  }
})

t.test('a request that changes nothing is known', async t => {
  const held = withLock(withLock([], 1, parse('a x 10-20')), 1, parse('a s 20-30'))
  const cases: [wanted: string, settled: boolean][] = [
    ['a x 10-20', true],
    ['a x 12-15', true],
    ['a x 12-25', false],
    ['a s 12-15', false],
    ['a u 0-10', true],
    ['a u 30-', true],
    ['a u 0-11', false],
    ['b u 0-', true],
    ['b s 20-30', false],
  ]
  for (const [wanted, settled] of cases) t.equal(isSettled(held, 1, parse(wanted)), settled, wanted)
})

t.test('it is what byte by byte it should be', async t => {
  const random = new SeededRandom(5)
  const below = (limit: number) => Math.floor(random.next() * limit)
  const [length, owners] = [24, ['a', 'b', 'c'] as const]
  /** The type that an owner has of a byte. The last stands for all beyond. */
  const model = new Map(owners.map(owner => [owner, new Array<LockType>(length).fill(LockType.UNLOCKED)]))
  let held: HeldLock[] = []
  for (let step = 0; step < 3000; step++) {
    const owner = owners[below(3)] ?? 'a'
    const start = below(length)
    const end = below(4) === 0 || start === length - 1 ? 0 : start + 1 + below(length - 1 - start)
    const type = (['s', 'x', 'u'] as const)[below(3)] ?? 'u'
    const wanted = parse(`${owner} ${type} ${start}-${end || ''}`)
    const inRange = (byte: number) => byte >= start && (end === 0 || byte < end)
    const others = owners.filter(other => other !== owner)
    const blocked = (byte: number) =>
      others.some(other => {
        const has = model.get(other)?.[byte] ?? LockType.UNLOCKED
        return has + wanted.type > 2 && has !== LockType.UNLOCKED && wanted.type !== LockType.UNLOCKED
      })
    const bytes = Array.from({ length }, (_, byte) => byte).filter(inRange)
    const isBlocked = wanted.type !== LockType.UNLOCKED && lockInTheWay(held, 1, wanted) !== undefined
    if (bytes.some(blocked) !== isBlocked) return t.fail(`step ${step}: ${owner} ${type} ${start}-${end}`)
    if (isBlocked) continue

    const settled = bytes.every(byte => model.get(owner)?.[byte] === wanted.type)
    if (settled !== isSettled(held, 1, wanted)) return t.fail(`step ${step}: settled ${settled}`)
    held = withLock(held, 1, wanted)
    for (const byte of bytes) (model.get(owner) as LockType[])[byte] = wanted.type
    const expected = owners.flatMap(owner => runs(owner, model.get(owner) ?? []))
    if (held.map(show).join() !== expected.join()) {
      t.same(held.map(show), expected, `step ${step}: ${owner} ${type} ${start}-${end}`)
      return
    }
  }
  t.pass('3000 steps')
})

/** The ranges of equal type, as show() has them. */
function runs(owner: string, types: readonly LockType[]): string[] {
  const ranges: string[] = []
  for (let start = 0; start < types.length; ) {
    let end = start
    while (end < types.length && types[end] === types[start]) end++
    const type = types[start] === LockType.SHARED ? 's' : 'x'
    if (types[start] !== LockType.UNLOCKED) ranges.push(`${owner} ${type} ${start}-${end === types.length ? '' : end}`)
    start = end
  }
  return ranges
}
