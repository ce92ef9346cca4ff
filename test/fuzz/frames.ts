// Attacks on the data plane: frames that are broken, out of order, too many, or
// whose like no client of ours would send.

import { once } from 'node:events'
import { createServer } from 'node:net'
import { crc32 } from '@node-rs/crc32'
import { MiB } from '../../src/base/units.js'
import { type Address, parseAddress } from '../../src/wire/address.js'
import { encodeFrame, type Frame, prefixLength } from '../../src/wire/frames.js'
import type { ChunkHandle, SessionId } from '../../src/wire/ids.js'
import { type Attack, dropMs, dropped, expectDrop, type Outcome, type Port } from './attack.js'
import type { Chance } from './chance.js'
import { delay, Wire } from './wire.js'

/** Data ids of a session that is no one's: nobody commits them. */
const stranger = (2 ** 52) as SessionId

const hello = (port: Port) => encodeFrame({ type: 'hello', clusterId: port.cluster.clusterId, self: 'client:fuzz' })

function push(chance: Chance, payload: Buffer, chain: readonly Address[] = [], sum = crc32(payload)): Buffer {
  const id = { client: stranger, counter: chance.below(2 ** 48) }
  const head = encodeFrame({
    type: 'push',
    number: chance.below(2 ** 32),
    id,
    length: payload.length,
    crc32: sum,
    chain,
  })
  return Buffer.concat([head, payload])
}

function read(port: Port, chance: Chance): Buffer {
  const { chunks } = port.cluster
  const chunk =
    chance.percent(70) && chunks.length > 0 ? chance.pick(chunks) : { handle: chance.below(2 ** 40), version: 1 }
  const version = chance.percent(80) ? chunk.version : chance.below(1000)
  const length = chance.between(1, MiB)
  const offset = chance.percent(50) ? 0 : chance.below(64 * MiB - length)
  return encodeFrame({
    type: 'read',
    number: chance.below(2 ** 32),
    handle: chunk.handle as ChunkHandle,
    version,
    offset,
    length,
  })
}

/** A connection that has said hello, unless it is told not to. */
async function connected(port: Port, attack: (wire: Wire) => Promise<Outcome>, greets = true): Promise<Outcome> {
  const wire = await Wire.open(port.address)
  try {
    if (greets) await wire.send(hello(port))
    return await attack(wire)
  } finally {
    wire.close()
  }
}

/** Prefixes that no receiver believes. */
function badPrefix(chance: Chance): Buffer {
  const bytes = push(chance, Buffer.alloc(10))
  switch (chance.below(7)) {
    case 0:
      bytes.writeUInt16LE(0x4c46, 0)
      bytes[0] = 0
      break
    case 1:
      bytes[2] = chance.between(2, 255)
      break
    case 2:
      bytes[3] = chance.between(7, 255)
      break
    case 3:
      bytes.writeUInt32LE(chance.pick([2070, 2 ** 31, 2 ** 32 - 1]), 8)
      break
    case 4:
      bytes.writeUInt32LE(chance.pick([MiB + 1, 2 ** 31, 2 ** 32 - 1]), 12)
      break
    case 5:
      bytes.writeUInt32LE(0, 12) // A push of nothing.
      break
    default:
      bytes.writeUInt32LE(bytes.readUInt32LE(8) + 5, 8) // A longer head than it has.
      bytes.writeUInt32LE(5, 12)
  }
  return bytes
}

/** The chain of a push, as text, whatever is in it. */
function pushAlong(chance: Chance, chain: readonly Buffer[]): Buffer {
  const payload = Buffer.alloc(10)
  const fields = Buffer.alloc(21)
  fields.writeUInt32LE(chance.below(2 ** 32), 8)
  fields[6] = 0x10
  fields.writeUInt32LE(crc32(payload), 16)
  fields[20] = chain.length
  const head = Buffer.concat([fields, ...chain.flatMap(text => [Buffer.from([text.length]), text])])
  const prefix = Buffer.from(push(chance, payload).subarray(0, prefixLength))
  prefix.writeUInt32LE(head.length, 8)
  return Buffer.concat([prefix, head, payload])
}

const badAddresses = [
  '',
  ':',
  'a:b',
  '127.0.0.1',
  '127.0.0.1:',
  ':80',
  'a b:80',
  '[::1:80',
  '127.0.0.1:99999',
  'ä:80',
  'x\0y:80',
]

/** Where a server that believes everyone would connect to. */
const strangeAddresses = [
  '127.0.0.1:1',
  '127.0.0.1:0',
  '0.0.0.0:80',
  '[::1]:9',
  '255.255.255.255:80',
  '192.0.2.1:80',
  'no-such-host.invalid:80',
]

export const frameAttacks: readonly Attack[] = [
  {
    name: 'bad prefix',
    ports: ['data'],
    run: (port, chance) => connected(port, wire => expectDrop(wire, badPrefix(chance)), chance.percent(50)),
  },
  {
    name: 'no hello',
    ports: ['data'],
    run: (port, chance) => {
      const first = chance.percent(50) ? push(chance, chance.bytes(100)) : read(port, chance)
      return connected(port, wire => expectDrop(wire, first), false)
    },
  },
  {
    name: 'two hellos',
    ports: ['data'],
    run: port => connected(port, wire => expectDrop(wire, hello(port))),
  },
  {
    name: 'answers nobody asked for',
    ports: ['data'],
    run: (port, chance) => {
      const answers: Frame[] = [
        { type: 'pushAck', number: chance.below(100) },
        { type: 'readReply', number: chance.below(100), length: 10, crc32: 0 },
        { type: 'goodbye', failure: { code: 'IO', message: 'x'.repeat(1000) } },
      ]
      return connected(port, wire =>
        expectDrop(wire, Buffer.concat([encodeFrame(chance.pick(answers)), Buffer.alloc(10)])),
      )
    },
  },
  {
    name: 'another cluster',
    ports: ['data'],
    run: (port, chance) => {
      const stranger = encodeFrame({
        type: 'hello',
        clusterId: 'f00d'.repeat(chance.between(1, 60)),
        self: 'ä'.repeat(100),
      })
      return connected(port, wire => expectDrop(wire, Buffer.concat([stranger, chance.bytes(1000)])), false)
    },
  },
  {
    name: 'cut off anywhere',
    ports: ['data'],
    async run(port, chance) {
      const whole = Buffer.concat([
        hello(port),
        chance.percent(50) ? push(chance, chance.bytes(300)) : read(port, chance),
      ])
      for (let i = 0; i < 20; i++) {
        const wire = await Wire.open(port.address)
        await wire.send(whole.subarray(0, chance.below(whole.length)))
        if (chance.percent(50)) wire.half()
        else wire.close()
        wire.close()
      }
      return 'answered'
    },
  },
  {
    name: 'flipped and shifted',
    ports: ['data'],
    async run(port, chance) {
      const frames = Array.from({ length: 20 }, () =>
        chance.percent(50) ? push(chance, chance.bytes(50)) : read(port, chance),
      )
      const wire = await Wire.open(port.address)
      await wire.send(Buffer.concat([hello(port), ...frames.map(frame => chance.mutate(frame)), chance.bytes(2 * MiB)]))
      const outcome = dropped(await wire.isDropped(dropMs))
      wire.close()
      return outcome
    },
  },
  {
    name: 'damaged pushes',
    ports: ['data'],
    run: (port, chance) =>
      connected(port, async wire => {
        for (let i = 0; i < 200; i++) await wire.send(push(chance, chance.bytes(100), [], chance.below(2 ** 32)))
        return (await wire.isAnswered(dropMs)) ? 'answered' : 'kept'
      }),
  },
  {
    name: 'damaged pushes, no answer taken',
    ports: ['data'],
    run: (port, chance) =>
      connected(port, async wire => {
        wire.takeNothing()
        const frame = push(chance, Buffer.alloc(1), [], 1)
        const many = Buffer.concat(Array.from({ length: 10_000 }, () => frame))
        for (let i = 0; i < 20; i++) if (!(await wire.send(many, 200))) break
        return 'answered'
      }),
  },
  {
    name: 'pushes nobody commits',
    ports: ['data'],
    run: (port, chance) =>
      connected(port, async wire => {
        const payload = Buffer.alloc(chance.pick([1, 100, MiB]), 7)
        const frames = Array.from({ length: payload.length === MiB ? 16 : 5000 }, () => push(chance, payload))
        await wire.send(Buffer.concat(frames), 2000)
        await delay(50)
        return 'answered'
      }),
  },
  {
    name: 'small pushes in large frames',
    ports: ['data'],
    // What is kept must not hold on to what came with it.
    run: (port, chance) =>
      connected(port, async wire => {
        const filler = push(chance, Buffer.alloc(64 * 1024), [], 1)
        for (let i = 0; i < 50; i++) await wire.send(Buffer.concat([push(chance, Buffer.alloc(1)), filler]))
        return 'answered'
      }),
  },
  {
    name: 'bad chains',
    ports: ['data'],
    run: (port, chance) => {
      const chain = chance.percent(30)
        ? Array.from({ length: chance.between(9, 255) }, () => Buffer.from('127.0.0.1:1'))
        : [chance.percent(50) ? chance.bytes(chance.between(1, 255)) : Buffer.from(chance.pick(badAddresses))]
      return connected(port, wire => expectDrop(wire, pushAlong(chance, chain)))
    },
  },
  {
    name: 'chains to elsewhere',
    ports: ['data'],
    run: (port, chance) =>
      connected(port, async wire => {
        for (let i = 0; i < 20; i++) {
          const chain = Array.from({ length: chance.between(1, 8) }, () => parseAddress(chance.pick(strangeAddresses)))
          await wire.send(push(chance, chance.bytes(500), chain))
        }
        await delay(200)
        return 'answered'
      }),
  },
  {
    name: 'chains to the attacker',
    ports: ['data'],
    // Who answers there with anything but acknowledgements, or with nothing.
    async run(port, chance) {
      const trap = createServer(socket => {
        socket.on('error', () => {})
        socket.resume()
        chance.pick([
          () => socket.write(chance.bytes(5000)),
          () => socket.destroy(),
          () => socket.end(push(chance, chance.bytes(9))),
          () => {},
        ])()
      })
      trap.listen(0, '127.0.0.1')
      await once(trap, 'listening')
      const address = trap.address()
      const there = { host: '127.0.0.1', port: address && typeof address === 'object' ? address.port : 0 }
      try {
        return await connected(port, async wire => {
          for (let i = 0; i < 5; i++) await wire.send(push(chance, chance.bytes(1000), [there]))
          return (await wire.isAnswered(dropMs)) ? 'answered' : 'kept'
        })
      } finally {
        trap.close()
      }
    },
  },
  {
    name: 'chains in circles',
    ports: ['data'],
    run: (port, chance) =>
      connected(port, async wire => {
        const others = [port.address, ...port.cluster.dataAddresses.map(parseAddress)]
        for (let i = 0; i < 10; i++) {
          const chain = Array.from({ length: 8 }, () => (chance.percent(30) ? port.address : chance.pick(others)))
          await wire.send(push(chance, chance.bytes(chance.pick([1, 1000, MiB])), chain))
        }
        await delay(300)
        return 'answered'
      }),
  },
  {
    name: 'reads, answers not taken',
    ports: ['data'],
    run: (port, chance) =>
      connected(port, async wire => {
        wire.takeNothing()
        await wire.send(Buffer.concat(Array.from({ length: 2000 }, () => read(port, chance))))
        await delay(chance.between(50, 1000))
        return 'answered'
      }),
  },
  {
    name: 'reads and gone',
    ports: ['data'],
    run: (port, chance) =>
      connected(port, async wire => {
        await wire.send(Buffer.concat(Array.from({ length: 100 }, () => read(port, chance))))
        await delay(chance.below(20))
        wire.reset()
        return 'answered'
      }),
  },
  {
    name: 'byte by byte',
    ports: ['data'],
    run: (port, chance) =>
      connected(port, async wire => {
        for (const byte of push(chance, chance.bytes(300))) await wire.send(Buffer.from([byte]))
        return (await wire.isAnswered(dropMs)) ? 'answered' : 'kept'
      }),
  },
]
