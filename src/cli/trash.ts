// leasefs trash: what has been deleted and is kept for a while.

import type { Command } from 'commander'
import { LeasefsError } from '../base/errors.js'
import { day } from '../base/units.js'
import { purgedAtOnceMax } from '../master/ops/purge.js'
import type { Address } from '../wire/address.js'
import type { TrashedFile, TrashPurgeReply, TrashPurgeRequest } from '../wire/gen/admin.js'
import type { Time } from '../wire/gen/common.js'
import { MasterService } from '../wire/gen/services.js'
import { askMaster } from './admin.js'
import { type MasterOptions, masterFrom, withMasterOptions } from './master-option.js'
import { duration } from './options.js'
import { bytesText, table } from './table.js'
import { type AskPage, clusterPath, filesAt, lastOfEach, listAll, numberOf, pathText } from './trash-paths.js'

interface ListOptions extends MasterOptions {
  readonly json?: boolean
}

interface FileOptions extends MasterOptions {
  readonly recursive?: boolean
}

interface RestoreOptions extends FileOptions {
  readonly to?: string
  readonly parents?: boolean
}

interface PurgeOptions extends FileOptions {
  readonly all?: boolean
  readonly olderThan?: number
  readonly lost?: boolean
}

const noBytes = Buffer.alloc(0)
const pageOf =
  (master: Address): AskPage =>
  request =>
    askMaster(master, MasterService.trashList, request)

export function addTrashCommand(parent: Command): void {
  const trash = parent.command('trash').description('show deleted files, and take them back or purge them')
  withMasterOptions(trash.command('ls'))
    .description('list deleted files, the one that was deleted last at the end')
    .argument('[path]', 'only what was there or below')
    .option('--json', 'for programs')
    .action(listFiles)
  withMasterOptions(trash.command('restore'))
    .description('put deleted files back where they were; of several versions the last one')
    .argument('<id-or-path...>', 'a number as "ls" shows it, or the path that the file had')
    .option('--to <path>', 'under this path, or into this directory')
    .option('-p, --parents', 'make the directories that are missing, open to the owner of the file alone')
    .option('-r, --recursive', 'everything that was below a directory')
    .action(restoreFiles)
  withMasterOptions(trash.command('purge'))
    .description('delete files for good')
    .argument('[id-or-path...]', 'a number as "ls" shows it, or the path that the files had')
    .option('--all', 'everything in the trash')
    .option('--older-than <time>', 'with --all: only what was deleted at least so long ago', duration(0, 365 * day))
    .option('-r, --recursive', 'everything that was below a directory')
    .option('--lost', 'instead: chunks that the master has lost the records of, as status counts them')
    .action(purgeFiles)
}

async function listFiles(path: string | undefined, options: ListOptions): Promise<void> {
  const place =
    path === undefined ? { master: await masterFrom(options), path: noBytes } : await clusterPath(path, options)
  const print = (text: string) => process.stdout.write(text)
  const write = options.json ? new JsonList(print) : new TextList(print)
  for await (const files of listAll(pageOf(place.master), place.path)) write.page(files)
  write.end()
}

async function restoreFiles(named: readonly string[], options: RestoreOptions): Promise<void> {
  const { recursive = false, parents = false } = options
  const to = options.to === undefined ? undefined : await clusterPath(options.to, options)
  await each(named, async text => {
    const { master, inos } = await find(text, recursive, options)
    for (const ino of inos) {
      const { path } = await askMaster(master, MasterService.trashRestore, {
        ...{ ino, to: to?.path ?? noBytes, parents },
      })
      process.stdout.write(`restored ${pathText(path)}\n`)
    }
  })
}

async function purgeFiles(named: readonly string[], options: PurgeOptions): Promise<void> {
  const { all = false, olderThan, lost = false, recursive = false } = options
  if (lost) {
    if (all || named.length > 0) throw new LeasefsError('INVALID_ARGUMENT', '--lost is for itself')
    await askMaster(await masterFrom(options), MasterService.trashPurge, { inos: [], all, olderThanMs: 0, lost })
    process.stdout.write('what the records are lost of is deleted in some minutes\n')
    return
  }
  if (all !== (named.length === 0))
    throw new LeasefsError('INVALID_ARGUMENT', 'either files are named, or --all of them')
  if (olderThan !== undefined && !all) throw new LeasefsError('INVALID_ARGUMENT', '--older-than is for --all')
  const say = ({ files, bytes }: TrashPurgeReply) =>
    process.stdout.write(`purged ${files} ${files === 1 ? 'file' : 'files'}, ${bytesText(bytes)}\n`)
  if (all) {
    const master = await masterFrom(options)
    const request = { inos: [], all, olderThanMs: olderThan ?? 0, lost }
    say(await purgeAll(request, asked => askMaster(master, MasterService.trashPurge, asked)))
    return
  }
  await each(named, async text => {
    const { master, versions } = await find(text, recursive, options)
    const request = { inos: versions, all, olderThanMs: 0, lost }
    say(await purgeAll(request, asked => askMaster(master, MasterService.trashPurge, asked)))
  })
}

/** In as many questions as it takes. */
export async function purgeAll(
  request: TrashPurgeRequest,
  ask: (request: TrashPurgeRequest) => Promise<TrashPurgeReply>,
): Promise<TrashPurgeReply> {
  const total = { files: 0, bytes: 0, more: false }
  for (let from = 0, more = true; more; ) {
    const inos = request.inos.slice(from, from + purgedAtOnceMax)
    const reply = await ask({ ...request, inos })
    total.files += reply.files
    total.bytes += reply.bytes
    from += inos.length
    more = reply.more || from < request.inos.length
  }
  return total
}

/** What an argument names: `inos` are the last version of each, `versions` all that there are. */
async function find(text: string, below: boolean, options: FileOptions) {
  const ino = numberOf(text)
  if (ino !== undefined) {
    const { master } = /^\d/.test(text) ? { master: await masterFrom(options) } : await clusterPath(text, options)
    return { master, inos: [ino], versions: [ino] }
  }
  const { master, path } = await clusterPath(text, options)
  const files = await filesAt(pageOf(master), path, below)
  return { master, inos: lastOfEach(files).map(file => file.ino), versions: files.map(file => file.ino) }
}

/** All of them, also if one fails; and then says so. */
async function each(named: readonly string[], run: (text: string) => Promise<void>): Promise<void> {
  let failed: LeasefsError | undefined
  for (const text of named) {
    try {
      await run(text)
    } catch (reason) {
      if (!(reason instanceof LeasefsError)) throw reason
      if (failed) process.stderr.write(`leasefs: ${failed.message}\n`)
      failed = reason
    }
  }
  if (failed) throw failed
}

/** A table, of which each page has its own widths: the list may be longer than memory. */
export class TextList {
  readonly #print: (text: string) => void
  #isEmpty = true

  constructor(print: (text: string) => void) {
    this.#print = print
  }

  page(files: readonly TrashedFile[]): void {
    const rows = files.map(({ ino, deletedAt, size, uid, path }) => [
      ino,
      deletedAt
        ? dateOf(deletedAt)
            .toISOString()
            .replace(/\.\d+Z$/, 'Z')
        : '',
      bytesText(size),
      uid,
      pathText(path),
    ])
    const text = table(['ID', 'DELETED', 'SIZE', 'OWNER', 'PATH'], rows)
    this.#print(`${this.#isEmpty ? text : text.slice(text.indexOf('\n') + 1)}\n`)
    this.#isEmpty = false
  }

  end(): void {
    if (this.#isEmpty) this.#print('the trash is empty\n')
  }
}

/** One array. */
export class JsonList {
  readonly #print: (text: string) => void
  #isEmpty = true

  constructor(print: (text: string) => void) {
    this.#print = print
  }

  page(files: readonly TrashedFile[]): void {
    for (const file of files) {
      this.#print(`${this.#isEmpty ? '[' : ','}\n  ${JSON.stringify(jsonOf(file))}`)
      this.#isEmpty = false
    }
  }

  end(): void {
    this.#print(this.#isEmpty ? '[]\n' : '\n]\n')
  }
}

function jsonOf({ ino, path, deletedAt, mtime, trashPath, ...rest }: TrashedFile) {
  return {
    id: ino,
    path: pathText(path),
    ...rest,
    deletedAt: deletedAt && dateOf(deletedAt).toISOString(),
    mtime: mtime && dateOf(mtime).toISOString(),
    trashPath: `.trash/${trashPath}`,
  }
}

function dateOf({ seconds, nanos }: Time): Date {
  return new Date(seconds * 1000 + Math.floor(nanos / 1e6))
}
