import t from 'tap'
import { MiB } from '../../src/base/units.js'
import { messageSizeMax } from '../../src/constants.js'
import { callShareBytes, messageMs } from '../../src/rpc/limits.js'
import { RequestMeters } from '../../src/rpc/request-meter.js'

function head(length: number): Buffer {
  const bytes = Buffer.alloc(5)
  bytes.writeUInt32BE(length, 1)
  return bytes
}

function message(length: number): Buffer {
  return Buffer.concat([head(length), Buffer.alloc(length, 7)])
}

function start(bytesMax?: number) {
  const meters = new RequestMeters(bytesMax)
  const dropped: string[] = []
  const begin = (now = 0) => meters.begin(now, why => dropped.push(why))
  return { meters, dropped, begin }
}

t.test('what has come of a message counts until it is whole, in whatever pieces it comes', async t => {
  const { meters, begin } = start()
  const meter = begin()
  const stream = Buffer.concat([message(10), message(0), message(300), head(50), Buffer.alloc(20)])
  for (let step = 1; step <= stream.length; step += 13) {
    const meter = begin()
    for (let at = 0; at < stream.length; at += step) meters.take(meter, stream.subarray(at, at + step), 1)
    t.equal(meter.pendingBytes, 20, `in pieces of ${step}`)
  }
  meters.take(meter, Buffer.concat([message(4), head(8), Buffer.alloc(7)]), 1)
  t.equal(meter.pendingBytes, 7)
  meters.take(meter, Buffer.alloc(1), 2)
  t.equal(meter.pendingBytes, 0)
})

t.test('a call that begins with nothing, or begins a message and does not end it, is dropped in time', async t => {
  const { meters, dropped, begin } = start()
  begin(0)
  const talking = begin(0)
  meters.take(talking, message(1), 1)
  meters.look(messageMs - 1)
  t.equal(dropped.length, 0)
  meters.look(messageMs)
  t.equal(dropped.length, 1)

  meters.take(talking, head(5), 2 * messageMs)
  for (let ms = 1; ms < 5; ms++) meters.take(talking, Buffer.alloc(1), 2 * messageMs + ms)
  dropped.length = 0
  meters.look(3 * messageMs)
  t.equal(dropped.length, 2, 'a byte now and then is not enough')
  meters.take(talking, Buffer.alloc(1), 3 * messageMs)
  dropped.length = 0
  meters.look(100 * messageMs)
  t.equal(dropped.length, 1, 'who has said something whole may be silent')
})

t.test('when too much has been begun in all, who goes on with more than a little is dropped', async t => {
  const { meters, dropped, begin } = start(2 * MiB)
  const [one, other, small] = [begin(), begin(), begin()]
  for (const meter of [one, other]) meters.take(meter, Buffer.concat([head(2 * MiB), Buffer.alloc(1 * MiB)]), 1)
  t.same(dropped, [])
  meters.take(small, Buffer.concat([head(callShareBytes + 1), Buffer.alloc(callShareBytes)]), 1)
  t.same(dropped, [], 'small ones come through')
  meters.take(one, Buffer.alloc(1), 1)
  t.equal(dropped.length, 1)
  meters.end(one)
  meters.take(other, Buffer.alloc(1), 1)
  t.equal(dropped.length, 1, 'what has ended counts no more')
})

t.test('a message that is too long is not counted: it is refused', async t => {
  const { meters, dropped, begin } = start(100)
  const meter = begin()
  meters.take(meter, Buffer.concat([head(messageSizeMax + 1), Buffer.alloc(2 * MiB)]), 1)
  t.equal(meter.pendingBytes, 0)
  meters.look(10 * messageMs)
  t.same(dropped, [])
})
