// Attacks that take their time: connections on which nothing happens, or as
// little as possible. They are held to the end of a run, which says how many the
// server has closed by then.

import { MiB } from '../../src/base/units.js'
import { frameMs, helloMs } from '../../src/dataplane/limits.js'
import { connectionIdleMs } from '../../src/rpc/limits.js'
import { encodeFrame } from '../../src/wire/frames.js'
import type { SessionId } from '../../src/wire/ids.js'
import type { Port } from './attack.js'
import { delay, Wire } from './wire.js'

const dripMs = 500
/** On a busy machine. */
const slackMs = 5000

/** What is said at first, and what again and again after it. */
interface Slow {
  readonly name: string
  readonly ports: readonly Port['kind'][]
  readonly first: (port: Port, i: number) => Buffer
  readonly drip: Buffer
  /** When the server has to end it: ms. */
  readonly endsAfter: number
}

const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
const settings = Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0])
const pong = Buffer.from([0, 0, 8, 6, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])

function slowPush(port: Port, i: number): Buffer {
  const hello = encodeFrame({ type: 'hello', clusterId: port.cluster.clusterId, self: 'client:slow' })
  const id = { client: (2 ** 51) as SessionId, counter: i }
  return Buffer.concat([hello, encodeFrame({ type: 'push', number: 1, id, length: MiB, crc32: 0, chain: [] })])
}

const nothing = Buffer.alloc(0)
const slows: readonly Slow[] = [
  { name: 'silent', ports: ['master', 'chunkserver', 'data'], first: () => nothing, drip: nothing, endsAfter: helloMs },
  {
    name: 'a slow preface',
    ports: ['master', 'chunkserver'],
    first: (_, i) => preface.subarray(0, i),
    drip: nothing,
    endsAfter: helloMs,
  },
  {
    name: 'no answer to pings',
    ports: ['master', 'chunkserver'],
    first: () => Buffer.concat([preface, settings]),
    drip: nothing,
    endsAfter: helloMs,
  },
  {
    name: 'answers to pings nobody sent',
    ports: ['master', 'chunkserver'],
    first: () => Buffer.concat([preface, settings]),
    drip: pong,
    endsAfter: connectionIdleMs,
  },
  {
    name: 'half a hello',
    ports: ['data'],
    first: port => slowPush(port, 0).subarray(0, 20),
    drip: nothing,
    endsAfter: helloMs,
  },
  { name: 'half a push', ports: ['data'], first: slowPush, drip: Buffer.from([0]), endsAfter: frameMs },
]

export interface SlowTally {
  readonly name: string
  readonly opened: number
  readonly dropped: number
  readonly mustEnd: boolean
}

/** Opens `count` of each kind on each port. The function that is returned closes what is left, and tells. */
export async function openSlow(ports: readonly Port[], count: number): Promise<() => SlowTally[]> {
  const groups: { slow: Slow; port: Port; wires: Wire[] }[] = []
  const ended = new AbortController()
  const openedAt = performance.now()
  for (const port of ports) {
    for (const slow of slows.filter(({ ports }) => ports.includes(port.kind))) {
      const wires: Wire[] = []
      for (let i = 0; i < count; i++) {
        const wire = await Wire.open(port.address)
        await wire.send(slow.first(port, i))
        wires.push(wire)
      }
      groups.push({ slow, port, wires })
    }
  }
  const drip = async () => {
    while (!ended.signal.aborted) {
      await delay(dripMs)
      for (const { slow, wires } of groups) {
        if (slow.drip.length > 0) for (const wire of wires) void wire.send(slow.drip)
      }
    }
  }
  void drip()
  return () => {
    ended.abort()
    return groups.map(({ slow, port, wires }) => {
      const dropped = wires.filter(wire => wire.isClosed).length
      for (const wire of wires) wire.close()
      return {
        name: `${slow.name} (${port.kind})`,
        opened: wires.length,
        dropped,
        mustEnd: performance.now() - openedAt > slow.endsAfter + slackMs,
      }
    })
  }
}

export function slowComplaintsOf(tallies: readonly SlowTally[]): string[] {
  const left = tallies.filter(({ mustEnd, opened, dropped }) => mustEnd && dropped < opened)
  return left.map(({ name, opened, dropped }) => `${name}: ${opened - dropped} are still open`)
}
