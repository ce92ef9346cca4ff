import type { Test } from 'tap'
import type { KeyRange, StateStore, StateTable } from '../../src/master/state/state-store.js'

/** What every StateStore must do. `open` makes an empty one. */
export function stateStoreSuite(t: Test, open: (t: Test) => StateStore | Promise<StateStore>): void {
  const test = (name: string, body: (t: Test, store: StateStore) => Promise<void>) =>
    t.test(name, async t => {
      const store = await open(t)
      try {
        await body(t, store)
      } finally {
        await store.close()
      }
    })
  const key = (text: string) => Buffer.from(text, 'latin1')
  const put = (table: StateTable, ...keys: string[]) => {
    for (const text of keys) table.put(key(text), key(`=${text}`))
  }
  const keys = (table: StateTable, range: Partial<KeyRange> = {}) =>
    Array.from(table.range({ from: key(''), ...range }), entry => entry.key.toString('latin1'))

  test('what was put is there, and is the reader’s own', async (t, store) => {
    const table = store.table('inodes')
    t.equal(table.get(key('a')), undefined)
    const value = Buffer.from('value')
    store.transaction(() => table.put(key('a'), value))
    value.fill(0)
    table.get(key('a'))?.fill(0)
    t.same(table.get(key('a')), Buffer.from('value'))
  })

  test('tables are apart', async (t, store) => {
    store.transaction(() => put(store.table('inodes'), 'a'))
    t.same(keys(store.table('dentries')), [])
  })

  test('a value may be empty, and may be replaced and removed', async (t, store) => {
    const table = store.table('opens')
    store.transaction(() => table.put(key('a'), Buffer.alloc(0)))
    t.equal(table.get(key('a'))?.length, 0)
    store.transaction(() => table.put(key('a'), key('b')))
    t.same(table.get(key('a')), key('b'))
    store.transaction(() => {
      table.remove(key('a'))
      table.remove(key('never there'))
    })
    t.equal(table.get(key('a')), undefined)
  })

  test('ranges are in byte order, from the first key up to but without the last', async (t, store) => {
    const table = store.table('dentries')
    const names = ['b', '\xff', 'a', '\0', 'a\0', 'ab', '\x80', 'a\xff']
    store.transaction(() => put(table, ...names))
    t.same(keys(table), ['\0', 'a', 'a\0', 'ab', 'a\xff', 'b', '\x80', '\xff'])
    t.same(keys(table, { from: key('a'), to: key('b') }), ['a', 'a\0', 'ab', 'a\xff'])
    t.same(keys(table, { from: key('a\0'), limit: 2 }), ['a\0', 'ab'])
    t.same(keys(table, { from: key('c'), to: key('d') }), [])
    t.same(keys(table, { limit: 0 }), [])
    const [first] = table.range({ from: key('b') })
    t.same(first?.value, key('=b'))
  })

  test('entries of a range stay as they were when the next ones are taken', async (t, store) => {
    const table = store.table('dentries')
    const names = Array.from({ length: 300 }, (_, n) => `name ${String(n).padStart(4, '0')}`)
    store.transaction(() => put(table, ...names))
    const entries = [...table.range({ from: key('') })]
    t.same(
      entries.map(entry => `${entry.key}${entry.value}`),
      names.map(name => `${name}=${name}`),
    )
  })

  test('a transaction sees its own changes, in ranges too', async (t, store) => {
    const table = store.table('chunks')
    store.transaction(() => put(table, 'a', 'c'))
    store.transaction(() => {
      put(table, 'b')
      table.remove(key('a'))
      t.same(table.get(key('b')), key('=b'))
      t.equal(table.get(key('a')), undefined)
      t.same(keys(table), ['b', 'c'])
    })
    t.same(keys(table), ['b', 'c'])
  })

  test('a transaction that throws leaves nothing behind', async (t, store) => {
    const [one, two] = [store.table('chunks'), store.table('inodes')] as const
    store.transaction(() => put(one, 'a', 'b'))
    const failed = () =>
      store.transaction(() => {
        one.put(key('a'), key('changed'))
        one.remove(key('b'))
        one.put(key('b'), key('again'))
        put(one, 'c')
        put(two, 'd')
        throw new Error('no')
      })
    t.throws(failed, { message: 'no' })
    t.same(keys(one), ['a', 'b'])
    t.same(one.get(key('a')), key('=a'))
    t.same(one.get(key('b')), key('=b'))
    t.same(keys(two), [])
    t.equal(
      store.transaction(() => 7),
      7,
      'and the next one works',
    )
  })

  test('a snapshot shows what was there when it was taken, also half read', async (t, store) => {
    const [one, two] = [store.table('chunks'), store.table('inodes')] as const
    const names = Array.from({ length: 300 }, (_, n) => `name ${String(n).padStart(4, '0')}`)
    store.transaction(() => put(one, ...names))
    const snapshot = store.snapshot()
    const rows = snapshot
      .table('chunks')
      .range({ from: key('') })
      [Symbol.iterator]()
    const read = [rows.next().value]
    for (let round = 0; round < 10; round++) {
      store.transaction(() => {
        put(one, `name 0000 ${round}`)
        one.remove(key(`name 02${String(round).padStart(2, '0')}`))
        one.put(key('name 0299'), key(`changed ${round}`))
        put(two, `a ${round}`)
      })
      await new Promise(resolve => setImmediate(resolve))
      read.push(rows.next().value)
    }
    for (let next = rows.next(); !next.done; next = rows.next()) read.push(next.value)
    t.same(
      read.map(row => String(row?.value)),
      names.map(name => `=${name}`),
    )
    t.same(snapshot.table('inodes').get(key('a 1')), undefined)
    t.same(two.get(key('a 1')), key('=a 1'), 'and the store what is there now')
    snapshot.release()
    snapshot.release()
    const later = store.snapshot()
    t.same(later.table('inodes').get(key('a 1')), key('=a 1'))
    later.release()
    t.throws(() => store.transaction(() => store.snapshot()), { code: 'ERR_ASSERTION' })
  })

  test('a change outside of a transaction is a bug', async (t, store) => {
    const table = store.table('chunks')
    t.throws(() => table.put(key('a'), key('b')), { code: 'ERR_ASSERTION' })
    t.throws(() => table.remove(key('a')), { code: 'ERR_ASSERTION' })
    t.throws(() => store.transaction(() => store.transaction(() => 1)), { code: 'ERR_ASSERTION' })
  })

  test('closing twice is closing once', async (t, store) => {
    await store.close()
    await t.resolves(store.close())
  })
}
