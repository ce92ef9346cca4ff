// Messages of the control plane with fields that nobody would send: written as
// they are on the wire, so that also what no encoder writes can be said.

import { MiB } from '../../src/base/units.js'
import type { ClusterFacts } from './attack.js'
import type { Chance } from './chance.js'
import type { Field, Schema } from './schema.js'

const depthMax = 4
/** A message that has so much gets no more fields: it is too long in any case. */
const bytesMax = 5 * MiB

/** Of which a request may name anything that is there: it changes nothing. */
const harmless = new Set([
  ...['Lookup', 'Resolve', 'GetAttributes', 'ReadDirectory', 'ReadLink', 'GetXattr', 'ListXattrs', 'TestLock'],
  ...['LocateRequest', 'Accessed', 'SyncInode', 'Open', 'Close'],
  ...['ExtentsRequest', 'BlockChecksumsRequest', 'ReplicaVersion', 'ListReplicasRequest'],
])

/** What names an inode or a chunk. */
const inodeFields = new Set(['ino', 'inos', 'parent', 'base', 'new_parent'])

const numbers = [
  ...[0n, 1n, 2n, 7n, 63n, 64n, 127n, 255n, 4096n, 2n ** 20n, 2n ** 26n, 2n ** 31n - 1n, 2n ** 31n, 2n ** 32n - 1n],
  ...[2n ** 32n, 2n ** 40n, 2n ** 53n - 1n, 2n ** 53n, 2n ** 63n - 1n, 2n ** 63n, 2n ** 64n - 1n],
]
const doubles = [0, -1, 0.5, 1e300, -1e300, 2 ** 53, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
const texts = [
  ...[
    '',
    'x',
    '.',
    '..',
    '/',
    '../../etc/passwd',
    'zz/zz',
    'zz\0zz',
    '\n',
    '%s%n',
    '-1',
    '😀',
    'NaN',
    '__proto__',
    'constructor',
  ],
  ...['127.0.0.1:1', '127.0.0.1:0', ':', '[::1]:99999', '/dc/rack/host', '/', 'IO', 'CORRUPT', 'NO_SUCH_CODE'],
]

export class Messages {
  readonly #schema: Schema
  readonly #facts: ClusterFacts
  readonly #known: ReadonlySet<bigint>

  constructor(schema: Schema, facts: ClusterFacts) {
    this.#schema = schema
    this.#facts = facts
    this.#known = new Set([1, ...facts.inos, ...facts.chunks.map(({ handle }) => handle)].map(BigInt))
  }

  /** Any message of this type; `only`: with no other fields than this one. */
  any(type: string, chance: Chance, only?: string, depth = 0): Buffer {
    const fields = this.#schema.messages.get(type) ?? []
    const parts: Buffer[] = []
    let bytes = 0
    for (const field of fields) {
      if (only !== undefined && field.name !== only) continue
      if (only === undefined && chance.percent(30)) continue
      const count = field.repeated ? chance.pick([0, 1, 2, 10, 300]) : chance.percent(5) ? 2 : 1
      for (let i = 0; i < count && bytes < bytesMax; i++) {
        const part = this.#field(type, field, chance, depth)
        bytes += part.length
        parts.push(part)
      }
    }
    if (chance.percent(5)) parts.push(Buffer.concat([key(chance.between(100, 5000), 2), varint(3n), chance.bytes(3)]))
    return Buffer.concat(parts)
  }

  /** The same, broken in a place: mostly something that no decoder should take. */
  broken(type: string, chance: Chance): Buffer {
    const whole = this.any(type, chance)
    switch (chance.below(6)) {
      case 0:
        return chance.mutate(whole)
      case 1:
        return whole.subarray(0, chance.below(whole.length + 1))
      case 2: // A length beyond the end.
        return Buffer.concat([whole, key(1, 2), varint(chance.pick([100n, 2n ** 31n, 2n ** 32n - 1n, 2n ** 63n]))])
      case 3: // Wire types that do not fit, or do not exist.
        return Buffer.concat([whole, key(chance.between(1, 12), chance.between(3, 7)), chance.bytes(20)])
      case 4: // A number without an end; groups in groups.
        return Buffer.concat([whole, chance.percent(50) ? Buffer.alloc(200, 0xff) : Buffer.alloc(10_000, 0x0b)])
      default:
        return chance.bytes(chance.pick([1, 10, 1000, 100_000]))
    }
  }

  /** Names of the fields of a message. */
  fieldsOf(type: string): string[] {
    return (this.#schema.messages.get(type) ?? []).map(({ name }) => name)
  }

  #field(message: string, field: Field, chance: Chance, depth: number): Buffer {
    const { number, type, name } = field
    if (this.#schema.messages.has(type)) {
      const body = depth < depthMax ? this.any(type, chance, this.#choice(type, chance), depth + 1) : Buffer.alloc(0)
      return lengthDelimited(number, body)
    }
    switch (type) {
      case 'string':
      case 'bytes':
        return lengthDelimited(number, this.#text(name, chance))
      case 'double': {
        const bytes = Buffer.alloc(8)
        bytes.writeDoubleLE(chance.pick(doubles))
        return Buffer.concat([key(number, 1), bytes])
      }
      case 'bool':
        return Buffer.concat([key(number, 0), varint(chance.percent(90) ? 1n : 2n ** 40n)])
      default:
        return Buffer.concat([key(number, 0), varint(this.#number(message, name, chance))])
    }
  }

  /** What has a oneof and nothing else gets one of its cases. */
  #choice(type: string, chance: Chance): string | undefined {
    const fields = this.fieldsOf(type)
    return fields.length > 0 && chance.percent(type === 'Command' ? 90 : 10) ? chance.pick(fields) : undefined
  }

  #number(message: string, name: string, chance: Chance): bigint {
    if (name === 'format_version' && chance.percent(90)) return 1n
    const { inos, chunks } = this.#facts
    if (harmless.has(message) && chance.percent(70)) {
      if (inodeFields.has(name)) return BigInt(chance.pick([1, ...inos]))
      if (name === 'handle' && chunks.length > 0) return BigInt(chance.pick(chunks).handle)
      if (name === 'version') return 1n
    }
    const value = chance.percent(60) ? chance.pick(numbers) : BigInt(chance.between(2 ** 33, 2 ** 48))
    const hits = this.#known.has(value) && (inodeFields.has(name) || name === 'handle')
    return hits && !harmless.has(message) ? 2n ** 45n : value
  }

  #text(name: string, chance: Chance): Buffer {
    if (name === 'cluster_id' && chance.percent(70)) return Buffer.from(this.#facts.clusterId)
    switch (chance.below(20)) {
      case 0:
        return chance.bytes(chance.between(1, 300)) // No UTF-8.
      case 1:
        return Buffer.alloc(chance.pick([255, 256, 4095, 4096, 65_536, 70_000]), 'n')
      case 2:
        return Buffer.from('😀'.repeat(chance.between(1, 100)).slice(chance.below(2)))
      case 3:
        return Buffer.alloc(chance.pick([100_000, 100_000, 100_000, MiB, 10 * MiB]), chance.pick(['N', '/']))
      default:
        return Buffer.from(chance.pick(texts))
    }
  }
}

function key(field: number, wireType: number): Buffer {
  return varint(BigInt(field * 8 + wireType))
}

function lengthDelimited(field: number, bytes: Buffer): Buffer {
  return Buffer.concat([key(field, 2), varint(BigInt(bytes.length)), bytes])
}

function varint(value: bigint): Buffer {
  const bytes: number[] = []
  let rest = value
  do {
    const more = rest > 127n
    bytes.push(Number(rest & 127n) | (more ? 128 : 0))
    rest >>= 7n
  } while (rest > 0n)
  return Buffer.from(bytes)
}
