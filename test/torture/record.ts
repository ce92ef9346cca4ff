// Content that says what it is: every 64 bytes name the record, its number and
// their own place in it. What is read tells who wrote it and when, and two
// halves of different records, or zeros, can't be taken for one.

export const lineSize = 64
export const pageSize = 4096

/** @param size a multiple of 64 */
export function record(name: string, sequence: number, size: number): Buffer {
  let text = ''
  for (let at = 0; at < size; at += lineSize) text += line(name, sequence, at)
  return Buffer.from(text, 'latin1')
}

function line(name: string, sequence: number, at: number): string {
  return `${`${name} number ${sequence} at ${at}`.padEnd(lineSize - 1).slice(0, lineSize - 1)}\n`
}

/**
 * The number of the record that `content` is, or of the one that it is a part
 * of, beginning at `at`.
 *
 * @throws Error saying what is there, if it is none, or parts of several
 */
export function sequenceOf(name: string, content: Buffer, at = 0): number {
  const [, digits] = / number (\d+) at /.exec(content.subarray(0, lineSize).toString('latin1')) ?? []
  const sequence = Number(digits ?? -1)
  for (let i = 0; i < content.length; i += lineSize) {
    const found = content.subarray(i, i + lineSize).toString('latin1')
    if (found !== line(name, sequence, at + i)) throw new Error(`${name}: ${describe(content, i)}, ${at + i} bytes on`)
  }
  if (content.length === 0) throw new Error(`${name}: nothing is there`)
  return sequence
}

/** What can be said of content that is wrong from `at` on. */
function describe(content: Buffer, at: number): string {
  const text = (i: number) => {
    const found = content.subarray(i, i + lineSize)
    return found.every(byte => byte === 0) ? 'zeros' : `"${found.toString('latin1').trimEnd()}"`
  }
  return at === 0 ? `${text(0)} at its beginning` : `${text(at)} after ${text(at - lineSize)}`
}
