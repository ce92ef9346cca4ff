import t from 'tap'
import { LeasefsError } from '../../src/base/errors.js'
import { SimulatedClock } from '../../src/base/simulated-clock.js'
import type { ControlStream } from '../../src/rpc/control-network.js'
import { reconnectPauseMaxMs, reconnectPauseMinMs } from '../../src/rpc/limits.js'
import { ReconnectingStream } from '../../src/rpc/reconnecting-stream.js'

/** A stream whose other end is the test. */
class FakeStream implements ControlStream<string, string> {
  readonly peer = 'fake'
  readonly sent: string[] = []
  closedWith: LeasefsError | 'cleanly' | undefined
  receive: (message: string) => void = () => {}
  lose: (reason: LeasefsError) => void = () => {}

  send(message: string): void {
    this.sent.push(message)
  }

  onMessage(receive: (message: string) => void): void {
    this.receive = receive
  }

  onClose(closed: (reason: LeasefsError) => void): void {
    this.lose = closed
  }

  close(reason?: LeasefsError): void {
    this.closedWith = reason ?? 'cleanly'
    this.lose(reason ?? new LeasefsError('CANCELLED', 'closed'))
  }
}

const lost = new LeasefsError('UNAVAILABLE', 'lost')

function start() {
  const clock = new SimulatedClock()
  const streams: FakeStream[] = []
  const events: string[] = []
  const open = () => {
    streams.push(new FakeStream())
    return streams.at(-1) as FakeStream
  }
  const user = {
    opened: (send: (message: string) => void) => send('hello'),
    received: (message: string) => events.push(message),
    lost: (reason: LeasefsError) => events.push(reason.code),
  }
  const stream = new ReconnectingStream<string, string>(open, user, clock)
  stream.start()
  return { clock, stream, events, streams, last: () => streams.at(-1) as FakeStream }
}

t.test('a lost stream is opened again, and greeted on', async t => {
  const { clock, stream, events, streams, last } = start()
  t.equal(stream.send('first'), true)
  last().receive('welcome')
  last().lose(lost)
  t.equal(stream.send('nobody gets this'), false)
  await clock.advance(reconnectPauseMinMs)
  t.same(
    streams.map(({ sent }) => sent),
    [['hello', 'first'], ['hello']],
  )
  t.same(events, ['welcome', 'UNAVAILABLE'])
})

t.test('pauses grow to a limit, and a message shortens them again', async t => {
  const { clock, streams, last } = start()
  const pauses: number[] = []
  const lose = async () => {
    const { length } = streams
    const lostAt = clock.now()
    last().lose(lost)
    while (streams.length === length) await clock.advance(1)
    pauses.push(clock.now() - lostAt)
  }
  for (let n = 0; n < 5; n++) await lose()
  t.same(pauses, [reconnectPauseMinMs, 50, 100, reconnectPauseMaxMs, reconnectPauseMaxMs])
  last().receive('welcome')
  await lose()
  t.equal(pauses.at(-1), reconnectPauseMinMs)
})

t.test('what an earlier stream says does not count', async t => {
  const { clock, events, streams, last } = start()
  last().lose(lost)
  await clock.advance(1000)
  streams[0]?.receive('late')
  streams[0]?.lose(lost)
  await clock.advance(1000)
  t.same(events, ['UNAVAILABLE'])
  t.equal(streams.length, 2)
})

t.test('a stream that is given up is replaced', async t => {
  const { clock, stream, events, streams } = start()
  stream.restart(new LeasefsError('TIMEOUT', 'no answer to a heartbeat'))
  t.match(streams[0]?.closedWith, { code: 'TIMEOUT' })
  t.same(events, ['TIMEOUT'])
  stream.restart(lost)
  await clock.advance(1000)
  t.equal(streams.length, 2)
})

t.test('a closed one opens no other', async t => {
  const open = start()
  open.stream.close()
  open.stream.close()
  t.equal(open.last().closedWith, 'cleanly')
  t.same(open.events, [], 'and does not call it a loss')

  const waiting = start()
  waiting.last().lose(lost)
  waiting.stream.close()
  for (const { clock, streams, stream } of [open, waiting]) {
    await clock.advance(1000)
    t.equal(streams.length, 1)
    t.equal(stream.send('nobody'), false)
  }
})

t.test('it may be closed by its user when it is lost', async t => {
  const clock = new SimulatedClock()
  let opened = 0
  const first = new FakeStream()
  const user = { opened: () => opened++, received: () => {}, lost: () => stream.close() }
  const stream: ReconnectingStream<string, string> = new ReconnectingStream(() => first, user, clock)
  stream.start()
  first.lose(new LeasefsError('WRONG_CLUSTER', 'for good'))
  await clock.advance(1000)
  t.equal(opened, 1)
})
