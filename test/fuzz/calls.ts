// Attacks over HTTP/2 as it should be: calls and streams whose messages are
// broken, senseless, too large, or out of order.

import { gzipSync } from 'node:zlib'
import { MiB } from '../../src/base/units.js'
import type { Attack, Outcome, Port } from './attack.js'
import type { Chance } from './chance.js'
import { Connection } from './http2-client.js'
import { Messages } from './messages.js'
import { type Method, readSchema } from './schema.js'
import { delay } from './wire.js'

/** How long an answer may take: some wait for what never comes, and say so themselves. */
const answerMs = 15_000

const schema = readSchema()

function methodsOf({ kind }: Port): Method[] {
  const service = kind === 'master' ? 'leasefs.Master' : 'leasefs.Chunkserver'
  return schema.methods.filter(method => method.service === service)
}

async function connected(port: Port, attack: (connection: Connection) => Promise<Outcome>): Promise<Outcome> {
  const connection = await Connection.open(port)
  try {
    return await attack(connection)
  } finally {
    connection.close()
  }
}

/** Calls each method with one message. */
async function callAll(port: Port, chance: Chance, message: (type: string) => Buffer): Promise<Outcome> {
  return connected(port, async connection => {
    const calls = methodsOf(port).map(method => {
      const call = connection.call(method.path)
      call.send(message(method.request))
      call.end()
      return call
    })
    if (chance.percent(20)) return 'answered' // And gone.
    const ended = await Promise.all(calls.map(call => call.isEnded(answerMs)))
    const isHeard = connection.isClosed || calls.some(call => call.wasHeard)
    return isHeard && ended.every(Boolean) ? 'answered' : 'kept'
  })
}

/** The first message of a stream, as it should be. */
function hellos({ cluster }: Port): ReadonlyMap<string, Buffer> {
  const text = (field: number, value: string) =>
    Buffer.concat([Buffer.from([field * 8 + 2, value.length]), Buffer.from(value)])
  const wrapped = (body: Buffer) => Buffer.concat([Buffer.from([0x0a, body.length]), body])
  const client = wrapped(Buffer.concat([text(1, cluster.clusterId), text(3, 'fuzz'), Buffer.from([0x20, 1])]))
  const commits = wrapped(Buffer.concat([text(1, cluster.clusterId), Buffer.from([0x10, 0x7f])]))
  const applies = wrapped(Buffer.concat([text(1, cluster.clusterId), text(2, 'fuzz')]))
  return new Map([
    ['ClientToMaster', client],
    ['ClientToPrimary', commits],
    ['PrimaryToSecondary', applies],
    ['FsckRequest', Buffer.alloc(0)],
    ['BackupRequest', Buffer.alloc(0)],
  ])
}

const control = ['master', 'chunkserver'] as const

/** A field that a message may have alone; some have none. */
function fieldOf(messages: Messages, type: string, chance: Chance): string | undefined {
  const fields = messages.fieldsOf(type)
  return fields.length > 0 ? chance.pick(fields) : undefined
}

/** Made once: to compress takes longer than to be bombed. */
let bomb: Buffer | undefined

export const callAttacks: readonly Attack[] = [
  {
    name: 'senseless calls',
    ports: control,
    run(port, chance) {
      const messages = new Messages(schema, port.cluster)
      return callAll(port, chance, type => messages.any(type, chance))
    },
  },
  {
    name: 'broken calls',
    ports: control,
    run(port, chance) {
      const messages = new Messages(schema, port.cluster)
      return callAll(port, chance, type => messages.broken(type, chance))
    },
  },
  {
    name: 'streams out of order',
    ports: control,
    // Nothing may be said before the hello; a hello not twice.
    run(port, chance) {
      const messages = new Messages(schema, port.cluster)
      const greeting = hellos(port)
      return connected(port, async connection => {
        const calls = methodsOf(port)
          .filter(({ stream }) => stream)
          .map(({ path, request }) => {
            const call = connection.call(path)
            if (chance.percent(50)) call.send(greeting.get(request) ?? messages.any(request, chance))
            for (let i = 0; i < 20; i++) call.send(messages.any(request, chance, fieldOf(messages, request, chance)))
            call.end()
            return call
          })
        const ended = await Promise.all(calls.map(call => call.isEnded(answerMs)))
        return ended.every(Boolean) ? 'answered' : 'kept'
      })
    },
  },
  {
    name: 'a session full of nonsense',
    ports: control,
    run(port, chance) {
      const messages = new Messages(schema, port.cluster)
      const greeting = hellos(port)
      return connected(port, async connection => {
        const method = chance.pick(methodsOf(port).filter(({ request }) => greeting.has(request)))
        const call = connection.call(method.path)
        call.send(greeting.get(method.request) ?? Buffer.alloc(0))
        await delay(20)
        const fields = messages.fieldsOf(method.request).filter(name => name !== 'hello' && name !== 'goodbye')
        for (let i = 0; i < 100; i++) {
          call.send(messages.any(method.request, chance, fields.length > 0 ? chance.pick(fields) : undefined))
        }
        if (chance.percent(50)) call.send(messages.broken(method.request, chance))
        await delay(chance.below(300))
        call.end()
        return (await call.isEnded(answerMs)) ? 'answered' : 'kept'
      })
    },
  },
  {
    name: 'requests of a client',
    ports: ['master'],
    run(port, chance) {
      const messages = new Messages(schema, port.cluster)
      const operations = messages.fieldsOf('Request').slice(2)
      return connected(port, async connection => {
        const call = connection.call('/leasefs.Master/ClientSession')
        call.send(hellos(port).get('ClientToMaster') ?? Buffer.alloc(0))
        await delay(20)
        for (let number = 1; number <= 200; number++) {
          const operation = messages.any('Request', chance, chance.pick(operations))
          const request = Buffer.concat([Buffer.from([8, (number & 127) | 128, number >> 7]), operation])
          const head = [0x12, (request.length & 127) | 128, ((request.length >> 7) & 127) | 128, request.length >> 14]
          if (request.length < 2 ** 21) call.send(Buffer.concat([Buffer.from(head), request]))
        }
        await delay(chance.below(500))
        call.end()
        return (await call.isEnded(answerMs)) ? 'answered' : 'kept'
      })
    },
  },
  {
    name: 'messages that are too long',
    ports: control,
    run: (port, chance) =>
      connected(port, async connection => {
        const call = connection.call(chance.pick(methodsOf(port)).path)
        call.raw(Buffer.from([0, 0xff, 0xff, 0xff, 0xff]))
        call.raw(Buffer.alloc(8 * MiB))
        return (await call.isEnded(answerMs)) ? 'answered' : 'kept'
      }),
  },
  {
    name: 'compressed bombs',
    ports: control,
    run: (port, chance) =>
      connected(port, async connection => {
        bomb ??= gzipSync(Buffer.alloc(64 * MiB))
        const message = bomb
        const calls = Array.from({ length: 8 }, () => {
          const call = connection.call(chance.pick(methodsOf(port)).path, {
            'grpc-encoding': chance.pick(['gzip', 'deflate', 'br']),
          })
          call.send(message, true)
          return call
        })
        const ended = await Promise.all(calls.map(call => call.isEnded(answerMs)))
        return ended.every(Boolean) ? 'answered' : 'kept'
      }),
  },
  {
    name: 'messages begun',
    ports: control,
    // All but the last byte, on many streams.
    run: (port, chance) =>
      connected(port, async connection => {
        for (let i = 0; i < 50; i++) {
          const call = connection.call(chance.pick(methodsOf(port)).path)
          const head = Buffer.from([0, 0, 0x3f, 0xff, 0xff])
          call.raw(Buffer.concat([head, Buffer.alloc(chance.pick([0, 1000, 60_000]))]))
        }
        await delay(chance.between(100, 1000))
        return 'answered'
      }),
  },
  {
    name: 'answers not taken',
    ports: ['master'],
    run: (port, chance) =>
      connected(port, async connection => {
        connection.takeNothing()
        for (let i = 0; i < 300; i++) {
          const call = connection.call(chance.pick(['/leasefs.Master/Status', '/leasefs.Master/Progress']))
          call.send(Buffer.alloc(0))
          call.end()
        }
        await delay(200)
        return 'answered'
      }),
  },
  {
    name: 'calls of another kind',
    ports: control,
    run: (port, chance) =>
      connected(port, async connection => {
        const paths = [
          '/',
          '/leasefs.Master/NoSuchMethod',
          `/${'x'.repeat(10_000)}`,
          '/leasefs.Master/Status?a=b',
          '*',
          '/ä',
        ]
        const headers: Record<string, string>[] = [
          {},
          { 'content-type': 'text/html' },
          { ':method': 'GET' },
          { 'grpc-timeout': chance.pick(['1n', '-1S', '99999999H', 'x', '0S']) },
          { 'x-bin': '!!!!', 'y-bin': '=' },
          { 'leasefs-message-bin': 'AAAA', 'grpc-encoding': 'snappy' },
        ]
        const calls = Array.from({ length: 20 }, () => {
          const path = chance.percent(50) ? chance.pick(paths) : chance.pick(methodsOf(port)).path
          const call = connection.call(path, chance.pick(headers))
          call.send(chance.bytes(10), chance.percent(30))
          call.end()
          return call
        })
        const ended = await Promise.all(calls.map(call => call.isEnded(answerMs)))
        return ended.every(Boolean) ? 'answered' : 'kept'
      }),
  },
]
