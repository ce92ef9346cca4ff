// What a running mount leaves for others on its host: who serves it. The file
// is there even when the process does not answer, or was killed.

import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { replaceFile } from '../../base/durable-file.js'
import { isAlive, type ProcessName } from './processes.js'
import { isPrivate, runtimeDirectories } from './runtime-directory.js'

export interface ControlRecord {
  readonly mountPoint: string
  /** Device numbers of the mount: "0:52". */
  readonly device: string
  /** As the mount table has it. */
  readonly source: string
  /** Gets the signals. */
  readonly daemon: ProcessName
  /** Has the client, and answers. Often the same. */
  readonly client: ProcessName
}

/** A record where it was found. */
export interface FoundRecord extends ControlRecord {
  readonly socket: string
  readonly file: string
  /** Whose mount it is: no one else can have written it. */
  readonly uid: number
}

/** The file of the record of a mount, and its socket: the device of a mount is like no other's while it lasts. */
export function controlFiles(directory: string, device: string): { readonly file: string; readonly socket: string } {
  const name = device.replace(':', '-')
  return { file: join(directory, `${name}.json`), socket: join(directory, `${name}.sock`) }
}

export async function writeRecord(directory: string, record: ControlRecord): Promise<void> {
  await replaceFile(controlFiles(directory, record.device).file, `${JSON.stringify(record)}\n`)
}

export function removeRecord({ file, socket }: Pick<FoundRecord, 'file' | 'socket'>): void {
  for (const path of [file, socket]) rmSync(path, { force: true })
}

/** The records of a user's mounts, of processes that run or ran. */
export function findRecords(uid: number, directories = runtimeDirectories(uid)): FoundRecord[] {
  return directories.filter(directory => isPrivate(directory, uid)).flatMap(directory => recordsIn(directory, uid))
}

/** Whether a process of the mount has not ended. */
export function isServed({ daemon, client, uid }: Pick<FoundRecord, 'daemon' | 'client' | 'uid'>): boolean {
  return isAlive(daemon, uid) || isAlive(client, uid)
}

function recordsIn(directory: string, uid: number): FoundRecord[] {
  return namesIn(directory).flatMap(name => {
    const [, device] = /^(\d+-\d+)\.json$/.exec(name) ?? []
    const record = device && readRecord(join(directory, name))
    if (!record || record.device !== device.replace('-', ':')) return []
    return [{ ...record, ...controlFiles(directory, record.device), uid }]
  })
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory)
  } catch {
    return [] // Another user's, or it has gone.
  }
}

function readRecord(file: string): ControlRecord | undefined {
  try {
    const { mountPoint, device, source, daemon, client } = JSON.parse(readFileSync(file, 'utf8'))
    if (![mountPoint, device, source].every(text => typeof text === 'string')) return undefined
    if (!isProcessName(daemon) || !isProcessName(client)) return undefined
    return { mountPoint, device, source, daemon, client }
  } catch {
    return undefined // It has gone meanwhile, or is of another version.
  }
}

function isProcessName(value: unknown): value is ProcessName {
  const { pid, startTime } = (value ?? {}) as Partial<ProcessName>
  return Number.isSafeInteger(pid) && Number(pid) > 1 && Number.isSafeInteger(startTime)
}
