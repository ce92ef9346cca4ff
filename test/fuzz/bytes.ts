// Attacks on any port: what comes is of another protocol, or of none.

import { type Attack, dropMs, dropped, type Outcome, type Port } from './attack.js'
import type { Chance } from './chance.js'
import { Wire } from './wire.js'

const everywhere = ['master', 'chunkserver', 'data'] as const

/** Sends this and waits to be thrown out. */
async function shout(port: Port, bytes: Buffer): Promise<Outcome> {
  const wire = await Wire.open(port.address)
  try {
    await wire.send(bytes)
    return dropped(await wire.isDropped(dropMs))
  } finally {
    wire.close()
  }
}

function tlsHello(chance: Chance): Buffer {
  const body = Buffer.concat([Buffer.from([3, 3]), chance.bytes(32), Buffer.from([0, 0, 2, 0x13, 1, 1, 0])])
  const hello = Buffer.concat([Buffer.from([1, 0, 0, body.length]), body])
  return Buffer.concat([Buffer.from([0x16, 3, 1, 0, hello.length]), hello])
}

const request = (line: string, ...headers: string[]) => Buffer.from([line, ...headers, '', ''].join('\r\n'))

const texts = [
  request('GET / HTTP/1.1', 'Host: leasefs'),
  request('POST /leasefs.Master/Status HTTP/1.1', 'Host: leasefs', 'Content-Length: 99999999999'),
  request('CONNECT 127.0.0.1:22 HTTP/1.1'),
  request('OPTIONS * HTTP/1.0'),
  Buffer.from('SSH-2.0-OpenSSH_9.9\r\n'),
  Buffer.from('*1\r\n$4\r\nPING\r\n'),
  Buffer.from('\0\0\0\x10\0\x03\0\0\0\0\0\0\0\0\0\0'),
]

export const byteAttacks: readonly Attack[] = [
  {
    name: 'random bytes',
    ports: everywhere,
    // Fewer might be the beginning of something.
    run: (port, chance) => shout(port, Buffer.concat([Buffer.from([0xff]), chance.bytes(chance.between(64, 5000))])),
  },
  {
    name: 'many random bytes',
    ports: everywhere,
    run: (port, chance) =>
      shout(port, Buffer.concat([Buffer.from([0]), chance.bytes(chance.between(1, 10) * 2 ** 20)])),
  },
  { name: 'zeros', ports: everywhere, run: port => shout(port, Buffer.alloc(2 ** 16)) },
  { name: 'TLS', ports: everywhere, run: (port, chance) => shout(port, tlsHello(chance)) },
  { name: 'another protocol', ports: everywhere, run: (port, chance) => shout(port, chance.pick(texts)) },
  {
    name: 'connected and gone',
    ports: everywhere,
    async run(port, chance) {
      for (let i = 0; i < 20; i++) {
        const wire = await Wire.open(port.address)
        if (chance.percent(50)) await wire.send(chance.bytes(chance.between(1, 20)))
        if (chance.percent(50)) wire.reset()
        else wire.close()
      }
      return 'answered'
    },
  },
  {
    name: 'half closed',
    ports: everywhere,
    async run(port, chance) {
      const wire = await Wire.open(port.address)
      if (chance.percent(50)) await wire.send(Buffer.from('PRI * HTTP/2.0\r\n').subarray(0, chance.between(1, 16)))
      wire.half()
      const outcome = dropped(await wire.isDropped(dropMs))
      wire.close()
      return outcome
    },
  },
]
