// Attacks on HTTP/2 itself: frames that are broken, too large, out of order, or
// far too many (RFC 9113).

import { type Attack, expectDrop, type Outcome, type Port } from './attack.js'
import type { Chance } from './chance.js'
import { frame, literal, preface, request, settings, types } from './http2-frames.js'
import { delay, Wire } from './wire.js'

const control = ['master', 'chunkserver'] as const

const pathOf = ({ kind }: Port) => (kind === 'master' ? '/leasefs.Master/ClientSession' : '/leasefs.Chunkserver/Mutate')

async function begun(port: Port, attack: (wire: Wire) => Promise<Outcome>): Promise<Outcome> {
  const wire = await Wire.open(port.address)
  try {
    await wire.send(Buffer.concat([preface, settings]))
    return await attack(wire)
  } finally {
    wire.close()
  }
}

/** Breaks the connection, each of them. */
function wrongFrame(port: Port, chance: Chance): Buffer {
  const headers = frame(types.headers, 4, 1, request(pathOf(port)))
  return chance.pick([
    frame(types.data, 0, 0, Buffer.alloc(10)), // Data of no stream.
    frame(types.data, 0, 7, Buffer.alloc(10)), // Data of a stream that is not open.
    frame(types.headers, 4, 2, request('/')), // A stream of the server's.
    frame(types.headers, 4, 0, request('/')),
    frame(types.settings, 0, 0, Buffer.alloc(5)),
    frame(types.settings, 0, 3, Buffer.alloc(6)),
    frame(types.settings, 1, 0, Buffer.alloc(6)),
    frame(types.settings, 0, 0, Buffer.from([0, 4, 0xff, 0xff, 0xff, 0xff])), // A window beyond 2^31.
    frame(types.ping, 0, 0, Buffer.alloc(7)),
    frame(types.ping, 0, 1, Buffer.alloc(8)),
    frame(types.window, 0, 0, Buffer.from([0, 0, 0, 0])),
    Buffer.concat([
      frame(types.window, 0, 0, Buffer.from([0x7f, 0xff, 0xff, 0xff])),
      frame(types.window, 0, 0, Buffer.from([0x7f, 0xff, 0xff, 0xff])),
    ]),
    frame(types.rst, 0, 0, Buffer.alloc(4)),
    frame(types.rst, 0, 9, Buffer.alloc(4)), // Of a stream that is not open.
    frame(types.rst, 0, 1, Buffer.alloc(3)),
    frame(types.pushPromise, 4, 1, Buffer.alloc(20)),
    frame(types.continuation, 4, 1, request('/')),
    frame(types.data, 0, 1, chance.bytes(100_000)), // Larger than frames may be.
    frame(types.headers, 0, 1, request('/')), // Not ended, and something else follows.
    Buffer.concat([headers, frame(types.data, 8, 1, Buffer.from([200, 1, 2]))]), // More padding than there is.
    frame(types.headers, 4, 1, Buffer.alloc(100, 0xff)), // No header block.
    frame(types.headers, 4, 1, Buffer.concat([Buffer.from([0x3f]), Buffer.alloc(12, 0xff)])),
  ])
}

/** Frames that are right, and that nobody sends so many of. */
async function flood(port: Port, chance: Chance, one: (i: number) => Buffer, takes: boolean): Promise<Outcome> {
  return begun(port, async wire => {
    if (!takes) wire.takeNothing()
    for (let round = 0; round < 20 && !wire.isClosed; round++) {
      const many = Array.from({ length: 2000 }, (_, i) => one(round * 2000 + i))
      if (!(await wire.send(Buffer.concat(many), chance.between(50, 300)))) break
    }
    return wire.isClosed ? 'dropped' : 'answered'
  })
}

export const http2Attacks: readonly Attack[] = [
  {
    name: 'HTTP/2: wrong frames',
    ports: control,
    run: (port, chance) =>
      begun(port, wire =>
        expectDrop(
          wire,
          Buffer.concat([wrongFrame(port, chance), frame(types.ping, 0, 0, Buffer.alloc(8)), wrongFrame(port, chance)]),
        ),
      ),
  },
  {
    name: 'HTTP/2: random frames',
    ports: control,
    run: (port, chance) =>
      begun(port, async wire => {
        const frames = Array.from({ length: 50 }, () => {
          const payload = chance.bytes(chance.between(0, 100))
          return frame(
            chance.below(12),
            chance.below(256),
            chance.pick([0, 1, 2, 3, 2 ** 31 - 1]),
            payload,
            payload.length + chance.below(3),
          )
        })
        return expectDrop(wire, Buffer.concat(frames))
      }),
  },
  {
    name: 'HTTP/2: header bombs',
    ports: control,
    run: (port, chance) =>
      begun(port, async wire => {
        const large = Buffer.concat(Array.from({ length: 30 }, (_, i) => literal(`x-${i}`, 'v'.repeat(500))))
        const first = frame(types.headers, 0, 1, request(pathOf(port)))
        const more = frame(types.continuation, 0, 1, large)
        for (let i = 0; i < 200 && !wire.isClosed; i++) {
          if (!(await wire.send(i === 0 ? first : more, 300))) break
        }
        // One entry in the table of both sides, named again and again.
        const entry = Buffer.concat([
          Buffer.from([0x40]),
          literal('x', 'v'.repeat(chance.between(100, 3000))).subarray(1),
        ])
        const bomb = Buffer.concat([request(pathOf(port)), entry, Buffer.alloc(10_000, 0xbe)])
        return expectDrop(
          wire,
          Buffer.concat([
            frame(types.continuation, 4, 1, Buffer.alloc(0)),
            frame(types.headers, 4, 3, bomb),
            frame(types.data, 0, 0, Buffer.alloc(1)),
          ]),
        )
      }),
  },
  {
    name: 'HTTP/2: floods',
    ports: control,
    run(port, chance) {
      const stream = (i: number) => 2 * i + 1
      const kinds: ((i: number) => Buffer)[] = [
        () => settings,
        () => frame(types.ping, 0, 0, Buffer.alloc(8)),
        () => frame(types.window, 0, 0, Buffer.from([0, 0, 0, 1])),
        i =>
          Buffer.concat([
            frame(types.headers, 4, stream(i), request(pathOf(port))),
            frame(types.rst, 0, stream(i), Buffer.from([0, 0, 0, 8])),
          ]),
        i => frame(types.headers, 5, stream(i), request(pathOf(port))),
        i => frame(types.headers, 4, stream(i), request(pathOf(port))),
        () => frame(types.data, 0, 1, Buffer.alloc(0)),
        () => frame(99, 0, 0, Buffer.alloc(8)),
      ]
      return flood(port, chance, chance.pick(kinds), chance.percent(50))
    },
  },
  {
    name: 'HTTP/2: cut off anywhere',
    ports: control,
    async run(port, chance) {
      const whole = Buffer.concat([
        preface,
        settings,
        frame(types.headers, 4, 1, request(pathOf(port))),
        frame(types.data, 0, 1, Buffer.from([0, 0, 0, 0, 9, 1, 2])),
      ])
      for (let i = 0; i < 20; i++) {
        const wire = await Wire.open(port.address)
        await wire.send(whole.subarray(0, chance.below(whole.length)))
        chance.pick([() => wire.half(), () => wire.reset(), () => {}])()
        wire.close()
      }
      return 'answered'
    },
  },
  {
    name: 'HTTP/2: windows of nothing',
    ports: control,
    // Nothing that the server says may leave it.
    run: (port, chance) =>
      begun(port, async wire => {
        await wire.send(frame(types.settings, 0, 0, Buffer.from([0, 4, 0, 0, 0, 0])))
        const path = port.kind === 'master' ? '/leasefs.Master/Status' : '/leasefs.Chunkserver/ListReplicas'
        for (let i = 0; i < 100; i++) {
          const call = frame(types.headers, 4, 2 * i + 1, request(path))
          await wire.send(Buffer.concat([call, frame(types.data, 1, 2 * i + 1, Buffer.alloc(5))]))
        }
        await delay(chance.between(50, 500))
        return 'answered'
      }),
  },
]
