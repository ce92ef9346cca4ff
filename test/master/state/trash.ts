import t from 'tap'
import { MemoryStore } from '../../../src/master/state/memory-store.js'
import { placeOf, TrashOrder } from '../../../src/master/state/trash.js'

t.test('files are listed in the order in which they came, a page at a time', t => {
  const store = new MemoryStore()
  const order = new TrashOrder(store)
  const places = [placeOf(300, at(1, 5e6)), placeOf(2, at(2, 0)), placeOf(9, at(2, 999_999)), placeOf(1, at(3, 0))]
  store.transaction(() => {
    for (const place of places.toReversed()) order.add(place)
  })
  t.same(order.page(undefined, 10), places)
  t.same(order.page(undefined, 2), places.slice(0, 2))
  t.same(order.page(places[1], 10), places.slice(2))
  t.same(order.page({ deletedMs: 1500, ino: 0 }, 1), places.slice(1, 2), 'after what is not there')
  store.transaction(() => order.remove(placeOf(2, at(2, 0))))
  t.equal(order.page(undefined, 10).length, 3)
  t.same(placeOf(7, at(-5, 0)), { deletedMs: 0, ino: 7 }, 'before 1970')
  t.end()
})

function at(seconds: number, nanos: number) {
  return { deletedAt: { seconds, nanos } }
}
