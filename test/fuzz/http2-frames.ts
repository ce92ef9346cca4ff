// Frames of HTTP/2 (RFC 9113), as right or as wrong as one likes.

export const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
export const types = {
  data: 0,
  headers: 1,
  rst: 3,
  settings: 4,
  pushPromise: 5,
  ping: 6,
  goaway: 7,
  window: 8,
  continuation: 9,
}

export function frame(type: number, flags: number, stream: number, payload: Buffer, length = payload.length): Buffer {
  const head = Buffer.alloc(9)
  head.writeUIntBE(length, 0, 3)
  head[3] = type
  head[4] = flags
  head.writeUInt32BE(stream >>> 0, 5)
  return Buffer.concat([head, payload])
}

export const settings = frame(types.settings, 0, 0, Buffer.alloc(0))

/** A header field that is not to be remembered, as it is (RFC 7541, 6.2.2). */
export function literal(name: string, value: string): Buffer {
  const text = (value: string) => {
    const bytes = Buffer.from(value)
    return Buffer.concat([integer(bytes.length), bytes])
  }
  return Buffer.concat([Buffer.from([0]), text(name), text(value)])
}

/** With a prefix of 7 bits. */
function integer(value: number): Buffer {
  if (value < 127) return Buffer.from([value])
  const bytes = [127]
  let rest = value - 127
  for (; rest > 127; rest >>= 7) bytes.push((rest & 127) | 128)
  return Buffer.from([...bytes, rest])
}

/** The header block of a call. */
export function request(path: string, headers: Readonly<Record<string, string>> = {}): Buffer {
  const { ':method': method = 'POST', 'content-type': type = 'application/grpc', ...others } = headers
  const all = [
    [':method', method],
    [':scheme', 'http'],
    [':path', path],
    [':authority', 'leasefs'],
    ['content-type', type],
    ['te', 'trailers'],
  ]
  return Buffer.concat([...all, ...Object.entries(others)].map(([name = '', value = '']) => literal(name, value)))
}
