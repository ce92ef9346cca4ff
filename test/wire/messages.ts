// The generated messages: what is encoded comes back, and garbage gives a
// message or an error, never a hang or a crash.

import t from 'tap'
import { SeededRandom } from '../../src/base/random.js'
import * as admin from '../../src/wire/gen/admin.js'
import * as chunkserver from '../../src/wire/gen/chunkserver.js'
import * as client from '../../src/wire/gen/client.js'
import * as common from '../../src/wire/gen/common.js'
import * as mutation from '../../src/wire/gen/mutation.js'

interface Codec {
  encode(message: unknown): { finish(): Uint8Array }
  decode(bytes: Uint8Array): unknown
}

const codecs = new Map<string, Codec>()
for (const room of [admin, chunkserver, client, common, mutation]) {
  for (const [name, value] of Object.entries(room)) {
    if (typeof value === 'object' && 'decode' in value) codecs.set(name, value as unknown as Codec)
  }
}

function roundTrip<Message>(
  codec: { encode(m: Message): { finish(): Uint8Array }; decode(b: Uint8Array): Message },
  message: Message,
): Message {
  return codec.decode(Buffer.from(codec.encode(message).finish()))
}

t.test('a commit keeps every number and the order of its mutations', async t => {
  const id = { client: 2 ** 53 - 1, counter: 2 ** 33 }
  const mutations: mutation.Mutation[] = [
    { id, kind: { $case: 'write', value: { offset: 64 * 2 ** 20 - 1, length: 1 } } },
    { id, kind: { $case: 'truncate', value: { length: 0, afterLeaseId: 2 ** 40, afterSerial: 0 } } },
    { id, kind: { $case: 'sync', value: {} } },
  ]
  const commit = { number: 1, handle: 2 ** 53 - 1, version: 2 ** 40, mutations }
  const message: mutation.ClientToPrimary = { message: { $case: 'commit', value: commit } }
  t.strictSame(roundTrip(mutation.ClientToPrimary, message), message)
})

t.test('names are bytes, times reach before the epoch, and absent is not zero', async t => {
  const name = Buffer.from([0xff, 0x00, 0x2f])
  const lookup: client.Lookup = { parent: 1, name }
  t.strictSame(roundTrip(client.Lookup, lookup), lookup)
  const time: common.Time = { seconds: -(2 ** 40), nanos: 999_999_999 }
  t.strictSame(roundTrip(common.Time, time), time)
  const attributes = client.SetAttributes.decode(Buffer.alloc(0))
  t.equal(attributes.size, undefined)
  t.equal(roundTrip(client.SetAttributes, { ...attributes, size: 0 }).size, 0)
})

t.test('a number beyond 2^53 is refused, not rounded', async t => {
  const beyond = Buffer.from('08ffffffffffffffffff01', 'hex')
  t.throws(() => client.GetAttributes.decode(beyond))
})

t.test('an empty message is a message, of every type', async t => {
  t.ok(codecs.size > 80)
  for (const [name, codec] of codecs) {
    const empty = codec.decode(Buffer.alloc(0))
    t.equal(codec.encode(empty).finish().length, 0, name)
  }
})

t.test('fields of a newer peer are passed over', async t => {
  const known = common.DataId.encode({ client: 3, counter: 4 }).finish()
  const newer = Buffer.concat([known, Buffer.from('fa0603616263', 'hex')])
  t.strictSame(common.DataId.decode(newer), { client: 3, counter: 4 })
})

t.test('garbage gives a message or an error', async t => {
  const random = new SeededRandom(11)
  let refused = 0
  for (const codec of codecs.values()) {
    for (let round = 0; round < 40; round++) {
      const bytes = Buffer.from(
        Array.from({ length: Math.floor(random.next() * 64) }, () => Math.floor(random.next() * 256)),
      )
      try {
        codec.decode(bytes)
      } catch (reason) {
        if (!(reason instanceof Error)) throw reason
        refused++
      }
    }
  }
  t.ok(refused > codecs.size)
})
