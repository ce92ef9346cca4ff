// Attacks over HTTP/2 as it should be: calls and streams whose messages are
// broken, senseless, too large, or out of order.

import { type ClientHttp2Session, type ClientHttp2Stream, connect } from 'node:http2'
import { gzipSync } from 'node:zlib'
import { MiB } from '../../src/base/units.js'
import { addressText } from '../../src/wire/address.js'
import type { Attack, Outcome, Port } from './attack.js'
import type { Chance } from './chance.js'
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

/** One connection; nothing that happens to it is an error here. */
class Connection {
  readonly #session: ClientHttp2Session
  readonly #closed: Promise<void>

  constructor({ address }: Port) {
    this.#session = connect(`http://${addressText(address)}`)
    this.#session.on('error', () => {})
    this.#closed = new Promise(resolve => this.#session.once('close', () => resolve()))
  }

  /** Undefined: the connection is gone. */
  call(path: string, headers: Record<string, string> = {}): Call | undefined {
    if (this.#session.destroyed || this.#session.closed) return undefined
    const fixed = { ':method': 'POST', ':path': path, 'content-type': 'application/grpc', te: 'trailers' }
    return new Call(this.#session.request({ ...fixed, ...headers }))
  }

  async isDropped(ms: number): Promise<boolean> {
    await Promise.race([this.#closed, delay(ms)])
    return this.#session.destroyed
  }

  close(): void {
    this.#session.destroy()
  }
}

class Call {
  readonly #stream: ClientHttp2Stream
  readonly #ended: Promise<void>
  #isEnded = false

  constructor(stream: ClientHttp2Stream) {
    this.#stream = stream
    stream.on('error', () => {})
    stream.resume()
    this.#ended = new Promise(resolve => {
      const end = () => {
        this.#isEnded = true
        resolve()
      }
      stream.once('end', end) // The server has said what it has to say, whatever else we may send.
      stream.once('close', end)
    })
  }

  send(message: Buffer, compressed = false): void {
    const head = Buffer.alloc(5)
    head[0] = compressed ? 1 : 0
    head.writeUInt32BE(message.length, 1)
    this.raw(Buffer.concat([head, message]))
  }

  raw(bytes: Buffer): void {
    if (!this.#isEnded && this.#stream.writable) this.#stream.write(bytes)
  }

  takeNothing(): void {
    this.#stream.pause()
  }

  end(): void {
    if (!this.#isEnded) this.#stream.end()
  }

  async isEnded(ms: number): Promise<boolean> {
    await Promise.race([this.#ended, delay(ms)])
    return this.#isEnded
  }
}

async function connected(port: Port, attack: (connection: Connection) => Promise<Outcome>): Promise<Outcome> {
  const connection = new Connection(port)
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
      call?.send(message(method.request))
      call?.end()
      return call
    })
    if (chance.percent(20)) return 'answered' // And gone.
    const ended = await Promise.all(calls.map(async call => (await call?.isEnded(answerMs)) ?? true))
    return ended.every(Boolean) ? 'answered' : 'kept'
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
            if (chance.percent(50)) call?.send(greeting.get(request) ?? messages.any(request, chance))
            for (let i = 0; i < 20; i++)
              call?.send(messages.any(request, chance, chance.pick(messages.fieldsOf(request))))
            call?.end()
            return call
          })
        const ended = await Promise.all(calls.map(async call => (await call?.isEnded(answerMs)) ?? true))
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
        call?.send(greeting.get(method.request) ?? Buffer.alloc(0))
        await delay(20)
        const fields = messages.fieldsOf(method.request).filter(name => name !== 'hello' && name !== 'goodbye')
        for (let i = 0; i < 100; i++) call?.send(messages.any(method.request, chance, chance.pick(fields)))
        if (chance.percent(50)) call?.send(messages.broken(method.request, chance))
        await delay(chance.below(300))
        call?.end()
        return (await call?.isEnded(answerMs)) === false ? 'kept' : 'answered'
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
        call?.send(hellos(port).get('ClientToMaster') ?? Buffer.alloc(0))
        await delay(20)
        for (let number = 1; number <= 200; number++) {
          const operation = messages.any('Request', chance, chance.pick(operations))
          const request = Buffer.concat([Buffer.from([8, (number & 127) | 128, number >> 7]), operation])
          const head = [0x12, (request.length & 127) | 128, ((request.length >> 7) & 127) | 128, request.length >> 14]
          if (request.length < 2 ** 21) call?.send(Buffer.concat([Buffer.from(head), request]))
        }
        await delay(chance.below(500))
        call?.end()
        return (await call?.isEnded(answerMs)) === false ? 'kept' : 'answered'
      })
    },
  },
  {
    name: 'messages that are too long',
    ports: control,
    run: (port, chance) =>
      connected(port, async connection => {
        const call = connection.call(chance.pick(methodsOf(port)).path)
        call?.raw(Buffer.from([0, 0xff, 0xff, 0xff, 0xff]))
        call?.raw(Buffer.alloc(8 * MiB))
        return (await call?.isEnded(answerMs)) === false ? 'kept' : 'answered'
      }),
  },
  {
    name: 'compressed bombs',
    ports: control,
    run: (port, chance) =>
      connected(port, async connection => {
        const bomb = gzipSync(Buffer.alloc(64 * MiB))
        const calls = Array.from({ length: 8 }, () => {
          const call = connection.call(chance.pick(methodsOf(port)).path, {
            'grpc-encoding': chance.pick(['gzip', 'deflate', 'br']),
          })
          call?.send(bomb, true)
          return call
        })
        const ended = await Promise.all(calls.map(async call => (await call?.isEnded(answerMs)) ?? true))
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
          call?.raw(Buffer.concat([head, Buffer.alloc(chance.pick([0, 1000, 60_000]))]))
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
        for (let i = 0; i < 300; i++) {
          const call = connection.call(chance.pick(['/leasefs.Master/Status', '/leasefs.Master/Progress']))
          call?.takeNothing()
          call?.send(Buffer.alloc(0))
          call?.end()
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
          call?.send(chance.bytes(10), chance.percent(30))
          call?.end()
          return call
        })
        const ended = await Promise.all(calls.map(async call => (await call?.isEnded(answerMs)) ?? true))
        return ended.every(Boolean) ? 'answered' : 'kept'
      }),
  },
]
