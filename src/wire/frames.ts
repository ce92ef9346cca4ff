// The frames of the data plane: bytes on a TCP connection, and their meaning
// (docs/PROTOCOL.md, "Data plane"). Codec only, no I/O. Numbers are little-endian.
//
//   prefix   0  u16  magic 0x464C ("LF")
//            2  u8   version of the frames
//            3  u8   type
//            4  u32  number: names a push or a read on its connection
//            8  u32  length of the head
//           12  u32  length of the payload
//   head    16  as the type says
//   payload     file bytes (push, readReply)
//
// Whoever reads frames trusts no length in them: see `limits` below.

import { type ErrorCode, errorCodeOf, LeasefsError } from '../base/errors.js'
import { KiB } from '../base/units.js'
import { chunkSize, goalMax, mutationSizeMax } from '../constants.js'
import { type Address, addressText, parseAddress } from './address.js'
import { HeadReader, HeadWriter } from './frame-head.js'
import type { ChunkHandle, DataId, SessionId } from './ids.js'

export const frameVersion = 1
export const prefixLength = 16
const magic = 0x464c

/** An error message is cut to this many bytes. */
export const frameMessageLengthMax = 1 * KiB

/** Numbers on the wire: never renumber. */
const types = { hello: 1, push: 2, pushAck: 3, read: 4, readReply: 5, goodbye: 6 } as const

/** First on every connection, from the side that opened it. */
export interface HelloFrame {
  readonly type: 'hello'
  readonly clusterId: string
  /** Who connects: a server id or "client:SESSION". For traces and logs. */
  readonly self: string
}

/** Payload: the bytes. */
export interface PushFrame {
  readonly type: 'push'
  readonly number: number
  readonly id: DataId
  readonly length: number
  readonly crc32: number
  /** Where the receiver forwards to: the first of these, and the rest with it. */
  readonly chain: readonly Address[]
}

export interface PushAckFrame {
  readonly type: 'pushAck'
  readonly number: number
  /** Absent: the sender and all behind it hold the bytes. Otherwise where the chain broke: 0 is the sender itself. */
  readonly failure?: { readonly position: number; readonly code: ErrorCode; readonly message: string }
}

export interface ReadFrame {
  readonly type: 'read'
  readonly number: number
  readonly handle: ChunkHandle
  readonly version: number
  readonly offset: number
  readonly length: number
}

/** Payload: the bytes, none with a failure. */
export interface ReadReplyFrame {
  readonly type: 'readReply'
  readonly number: number
  readonly length: number
  readonly crc32: number
  readonly failure?: { readonly code: ErrorCode; readonly message: string }
}

/** Last on a connection: why the sender closes it. */
export interface GoodbyeFrame {
  readonly type: 'goodbye'
  readonly failure: { readonly code: ErrorCode; readonly message: string }
}

export type Frame = HelloFrame | PushFrame | PushAckFrame | ReadFrame | ReadReplyFrame | GoodbyeFrame

/** Longest head and payload of each type. A peer that announces more is not believed. */
const limits: Record<Frame['type'], { readonly head: number; readonly payload: number }> = {
  hello: { head: 2 * 256, payload: 0 },
  push: { head: 21 + (goalMax - 1) * 256, payload: mutationSizeMax },
  pushAck: { head: 4 + 255 + frameMessageLengthMax, payload: 0 },
  read: { head: 24, payload: 0 },
  readReply: { head: 7 + 255 + frameMessageLengthMax, payload: mutationSizeMax },
  goodbye: { head: 3 + 255 + frameMessageLengthMax, payload: 0 },
}

/** Prefix and head. The payload, if there is one, is to follow. */
export function encodeFrame(frame: Frame): Buffer {
  const head = new HeadWriter(prefixLength)
  writeHead(head, frame)
  const bytes = head.finish()
  bytes.writeUInt16LE(magic, 0)
  bytes[2] = frameVersion
  bytes[3] = types[frame.type]
  bytes.writeUInt32LE('number' in frame ? frame.number : 0, 4)
  bytes.writeUInt32LE(bytes.length - prefixLength, 8)
  bytes.writeUInt32LE(payloadLengthOf(frame), 12)
  return bytes
}

/** Bytes that follow the head of `frame`. */
export function payloadLengthOf(frame: Frame): number {
  return frame.type === 'push' || frame.type === 'readReply' ? frame.length : 0
}

export interface Prefix {
  readonly type: Frame['type']
  readonly number: number
  readonly headLength: number
  readonly payloadLength: number
}

/** @throws LeasefsError CORRUPT if these are not the first `prefixLength` bytes of a frame of ours */
export function decodePrefix(bytes: Buffer): Prefix {
  if (bytes.readUInt16LE(0) !== magic) throw malformed('not a frame')
  if (bytes[2] !== frameVersion) throw malformed(`frame of version ${bytes[2]}`)
  const type = typeNames.get(bytes[3] ?? 0)
  if (!type) throw malformed(`frame of type ${bytes[3]}`)
  const prefix = {
    type,
    number: bytes.readUInt32LE(4),
    headLength: bytes.readUInt32LE(8),
    payloadLength: bytes.readUInt32LE(12),
  }
  const { head, payload } = limits[type]
  if (prefix.headLength > head || prefix.payloadLength > payload) {
    throw malformed(`${type} frame of ${prefix.headLength} + ${prefix.payloadLength} bytes`)
  }
  return prefix
}

/** @throws LeasefsError CORRUPT: `head` is not what a frame of that prefix has */
export function decodeHead(prefix: Prefix, head: Buffer): Frame {
  const reader = new HeadReader(head)
  const frame = readHead(prefix, reader)
  if (!reader.ended) throw malformed(`${prefix.type} frame with a longer head`)
  return frame
}

function writeHead(head: HeadWriter, frame: Frame): void {
  switch (frame.type) {
    case 'hello':
      head.text8(frame.clusterId)
      head.text8(frame.self)
      break
    case 'push':
      head.u64(frame.id.client)
      head.u64(frame.id.counter)
      head.u32(frame.crc32)
      head.u8(frame.chain.length)
      for (const address of frame.chain) head.text8(addressText(address))
      break
    case 'pushAck':
      head.u8(frame.failure?.position ?? 0)
      writeFailure(head, frame.failure)
      break
    case 'read':
      head.u64(frame.handle)
      head.u64(frame.version)
      head.u32(frame.offset)
      head.u32(frame.length)
      break
    case 'readReply':
      head.u32(frame.crc32)
      writeFailure(head, frame.failure)
      break
    case 'goodbye':
      writeFailure(head, frame.failure)
      break
  }
}

function readHead({ type, number, payloadLength: length }: Prefix, head: HeadReader): Frame {
  switch (type) {
    case 'hello':
      return { type, clusterId: head.text8(), self: head.text8() }
    case 'push':
      return readPush(number, length, head)
    case 'pushAck': {
      const position = head.u8()
      const failure = readFailure(head)
      if (position >= goalMax) throw malformed(`failure at position ${position} of a chain`)
      return { type, number, ...(failure && { failure: { position, ...failure } }) }
    }
    case 'read':
      return readRead(number, head)
    case 'readReply': {
      const crc32 = head.u32()
      const failure = readFailure(head)
      if (failure && length > 0) throw malformed('readReply frame with a failure and bytes')
      return { type, number, length, crc32, ...(failure && { failure }) }
    }
    case 'goodbye':
      return { type, failure: readFailure(head) ?? { code: 'UNAVAILABLE', message: '' } }
  }
}

function readPush(number: number, length: number, head: HeadReader): PushFrame {
  const id = { client: head.u64() as SessionId, counter: head.u64() }
  const crc32 = head.u32()
  const count = head.u8()
  if (length === 0) throw malformed('push frame without bytes')
  if (count >= goalMax) throw malformed(`push frame with ${count} servers behind`)
  const chain = Array.from({ length: count }, () => readAddress(head))
  return { type: 'push', number, id, length, crc32, chain }
}

function readRead(number: number, head: HeadReader): ReadFrame {
  const handle = head.u64() as ChunkHandle
  const version = head.u64()
  const offset = head.u32()
  const length = head.u32()
  if (length === 0 || length > mutationSizeMax || offset + length > chunkSize) {
    throw malformed(`read frame for [${offset}, +${length})`)
  }
  return { type: 'read', number, handle, version, offset, length }
}

/** @throws LeasefsError CORRUPT */
function readAddress(head: HeadReader): Address {
  const text = head.text8()
  // Plain ASCII, so that it has the same length when it is sent on.
  if (!/^[!-~]+$/.test(text)) throw malformed('address that is no ASCII')
  try {
    return parseAddress(text)
  } catch (cause) {
    throw malformed(`address "${text}"`, cause)
  }
}

function writeFailure(head: HeadWriter, failure: { code: ErrorCode; message: string } | undefined): void {
  head.text8(failure?.code ?? '')
  head.text16(failure?.message ?? '', frameMessageLengthMax)
}

function readFailure(head: HeadReader): { code: ErrorCode; message: string } | undefined {
  const code = head.text8()
  const message = head.text16(frameMessageLengthMax)
  return code === '' ? undefined : { code: errorCodeOf(code), message }
}

const typeNames = new Map(Object.entries(types).map(([name, number]) => [number as number, name as Frame['type']]))

function malformed(what: string, cause?: unknown): LeasefsError {
  return new LeasefsError('CORRUPT', `malformed data: ${what}`, { cause })
}
