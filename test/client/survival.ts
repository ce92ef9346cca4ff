import t from 'tap'
import { MemorySurvivingMap } from '../../src/base/surviving-map.js'
import type { Operation } from '../../src/client/requests.js'
import { Survival } from '../../src/client/survival.js'
import type { DataId, Ino } from '../../src/wire/ids.js'

const ino = 10 as Ino
const mtime = { seconds: 1, nanos: 2 }
const unlink: Operation = { $case: 'unlink', value: { parent: 1, name: Buffer.from('x'), uid: 5 } }

/** A map that the first of a session has begun. */
function begun() {
  const map = new MemorySurvivingMap()
  const survival = new Survival(map)
  survival.session(7, 'cluster')
  return { map, survival, next: () => new Survival(map.next()) }
}

t.test('without a session nothing is inherited, nor of another format', async t => {
  t.equal(new Survival(new MemorySurvivingMap()).inherited, undefined)
  const { map } = begun()
  map.put('session', { format: 99, id: 7, clusterId: 'cluster' })
  t.equal(new Survival(map.next()).inherited, undefined)
})

t.test('the session and what of its numbers is taken', async t => {
  const { survival, next } = begun()
  t.ok(survival.reserve('numbers', 5) > 5)
  const dataIds = survival.reserve('dataIds', 9)
  t.match(next().inherited, { session: { id: 7, clusterId: 'cluster' }, dataIdsThrough: dataIds })
})

t.test(
  'a request that was not answered is inherited whole, one that was is known by its cause if it was done',
  async t => {
    const { survival, next } = begun()
    survival.asked(3, 100, unlink)
    survival.asked(4, 101, unlink)
    survival.asked(5, 102, unlink)
    survival.answered(4, 101, true)
    survival.answered(5, 102, false)
    const { inherited } = next()
    t.match(inherited?.asked, [{ number: 3, cause: 100, operation: unlink }])
    t.equal(inherited?.asked.length, 1)
    t.same(
      [100, 101, 102].map(cause => next().outcome(cause)),
      [undefined, 'done', undefined],
    )
  },
)

t.test('what a call came to is forgotten when it has been answered', async t => {
  const { survival, next } = begun()
  survival.done(100)
  survival.unknown(101)
  t.same([survival.outcome(100), survival.outcome(101)], ['done', 'unknown'])
  survival.ended(100)
  survival.ended(101)
  t.same([survival.outcome(100), survival.outcome(101)], [undefined, undefined])
  t.equal(next().outcome(100), undefined)
})

t.test('pieces come in the order of writing; a write that was to be taken once counts only whole', async t => {
  const { map, next } = begun()
  map.put('write/12', { ino, offset: 5, mtime }, [Buffer.from('b')])
  map.put('write/2', { ino, offset: 0, mtime }, [Buffer.from('a')])
  map.put('write/13', { ino, offset: 6, mtime, cause: 100 }, [Buffer.from('half')])
  map.put('write/14', { ino, offset: 10, mtime, cause: 101 }, [Buffer.from('c')])
  map.put('write/15', { ino, offset: 11, mtime, cause: 101, last: true }, [Buffer.from('d')])
  const after = next()
  t.same(
    after.inherited?.pieces.map(({ bytes }) => String(bytes)),
    ['a', 'b', 'c', 'd'],
  )
  t.same([after.outcome(100), after.outcome(101)], [undefined, 'done'])
  t.equal(after.nextSequence(), 16)
})

t.test('what was done stays known to the one after the next', async t => {
  const { map } = begun()
  map.put('write/1', { ino, offset: 0, mtime, cause: 100, last: true }, [Buffer.from('a')])
  const second = map.next()
  const survival = new Survival(second)
  second.remove(['write/1'])
  t.equal(survival.outcome(100), 'done')
  t.equal(new Survival(second.next()).outcome(100), 'done')
})

t.test('batches, mutations, opens, turns, locks and states', async t => {
  const { map, next } = begun()
  const id = { client: 7, counter: 1 } as DataId
  map.put('push/20', { ino, through: 20, extents: [[0, 5, 7, 3]] })
  map.put('one/7:1', { ino, index: 2, mutation: { kind: 'truncate', id, length: 5 } })
  map.put(`open/${ino}`, 0)
  map.put('turn/11', 0)
  map.put('lock/12/posix 5', { ino: 12, holder: 'posix 5' })
  map.put(`inode/${ino}`, { sequence: 3, end: 5 })
  t.match(next().inherited, {
    batches: [{ key: 'push/20', ino, through: 20, extents: [{ start: 0, length: 5, id: { client: 7, counter: 3 } }] }],
    mutations: [{ ino, index: 2, mutation: { kind: 'truncate', id, length: 5 } }],
    open: [ino],
    turns: [11],
    locks: [{ ino: 12, holder: 'posix 5' }],
    states: new Map([[ino, { sequence: 3, end: 5 }]]),
  })
})
