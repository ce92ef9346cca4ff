// The messages and methods of the control plane, read from the .proto files: so
// that whatever is added to them is attacked as well.

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export interface Field {
  readonly name: string
  readonly number: number
  /** A scalar type, or the name of an enum or a message. */
  readonly type: string
  readonly repeated: boolean
}

export interface Method {
  /** "/leasefs.Master/Status" */
  readonly path: string
  readonly service: string
  readonly request: string
  readonly stream: boolean
}

export interface Schema {
  readonly messages: ReadonlyMap<string, readonly Field[]>
  readonly methods: readonly Method[]
}

const folder = fileURLToPath(new URL('../../../src/wire/proto', import.meta.url))

/** All of src/wire/proto. */
export function readSchema(): Schema {
  const messages = new Map<string, Field[]>()
  const methods: Method[] = []
  for (const file of readdirSync(folder)) {
    const text = readFileSync(join(folder, file), 'utf8').replaceAll(/\/\/.*$/gm, '')
    const packageName = /^package (\w+);/m.exec(text)?.[1] ?? ''
    for (const [, kind, name = '', body = ''] of text.matchAll(
      /^(message|service) (\w+) \{([\s\S]*?)\}\s*(?=^\S|$(?![\s\S]))/gm,
    )) {
      if (kind === 'message') messages.set(name, fieldsOf(body))
      else methods.push(...methodsOf(`${packageName}.${name}`, body))
    }
  }
  return { messages, methods }
}

/** Those of a oneof stand among the others, as they do on the wire. */
function fieldsOf(body: string): Field[] {
  const fields = body.matchAll(/\b(repeated |optional )?(\w+) (\w+) = (\d+);/g)
  return Array.from(fields, ([, label, type = '', name = '', number]) => {
    return { name, number: Number(number), type, repeated: label === 'repeated ' }
  })
}

function methodsOf(service: string, body: string): Method[] {
  const methods = body.matchAll(/rpc (\w+)\((stream )?(\w+)\)/g)
  return Array.from(methods, ([, name, stream, request = '']) => {
    return { path: `/${service}/${name}`, service, request, stream: stream !== undefined }
  })
}
