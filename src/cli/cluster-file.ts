// Where a cluster that `leasefs up` runs can be found: `cluster.json` in its
// data directory, there while it runs.

import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { replaceFile } from '../base/durable-file.js'
import { listMounts } from '../fuse/mount-table.js'
import { type Address, addressText, parseAddress } from '../wire/address.js'
import { masterOf } from './mounts.js'
import { masterAddressDefault } from './options.js'

export interface ClusterFile {
  readonly master: Address
  readonly mountPoint: string
}

const fileOf = (data: string) => join(data, 'cluster.json')

export async function writeClusterFile(data: string, { master, mountPoint }: ClusterFile): Promise<void> {
  await replaceFile(fileOf(data), `${JSON.stringify({ master: addressText(master), mountPoint }, undefined, 2)}\n`)
}

export async function removeClusterFile(data: string): Promise<void> {
  await rm(fileOf(data), { force: true })
}

/** The master of the cluster in `data`, else of the only mount of leasefs, else the default address. */
export async function findMaster(data: string): Promise<Address> {
  return (await fromClusterFile(data)) ?? (await fromOnlyMount()) ?? masterAddressDefault
}

async function fromClusterFile(data: string): Promise<Address | undefined> {
  try {
    return parseAddress(JSON.parse(await readFile(fileOf(data), 'utf8')).master)
  } catch {
    return undefined // No cluster runs there, or one that cannot be read: the next guess.
  }
}

async function fromOnlyMount(): Promise<Address | undefined> {
  const masters = (await listMounts()).map(masterOf).filter(address => address !== undefined)
  return new Set(masters.map(addressText)).size === 1 ? masters[0] : undefined
}
