// How a mount is to be: the options of `leasefs-mount` that `leasefs up` has as
// well, and hands on.

import { type Command, InvalidArgumentError, Option } from 'commander'
import { LeasefsError } from '../base/errors.js'
import { hour, minute, second } from '../base/units.js'
import type { AtimePolicy } from '../fuse/operations.js'
import { duration, wholeNumber } from './options.js'

export const bindings = ['auto', 'kernel', 'fuse-native'] as const

const timeoutDefaultMs = 1 * minute

/** The highest number that is not "no one". */
const idMax = 2 ** 32 - 2

const fsnameLengthMax = 200

export interface MountChoices {
  readonly binding: (typeof bindings)[number]
  readonly readOnly?: boolean
  readonly exclusive?: boolean
  /** Undefined: as the binding has it for this user. */
  readonly allowOther?: boolean
  /** A directory of the cluster that appears as the root. */
  readonly subdir?: string
  readonly uid?: number
  readonly gid?: number
  readonly fsname?: string
  readonly noatime?: boolean
  readonly strictatime?: boolean
  readonly timeout: number
}

export function addMountOptions(command: Command): Command {
  const id = wholeNumber(0, idMax)
  return command
    .addOption(new Option('--binding <name>', 'how to speak with the kernel').choices(bindings).default('auto'))
    .addOption(new Option('--read-only', 'refuse every change').conflicts(['exclusive', 'strictatime']))
    .option('--exclusive', 'no other mount changes these files: the kernel may hold writes back (binding "kernel")')
    .option('--allow-other', 'let other users in (default: if root mounts)')
    .option('--no-allow-other', 'only the user who mounts gets in')
    .option('--subdir <path>', 'mount this directory of the cluster: nothing outside of it can be reached')
    .option('--uid <number>', 'show all files as owned by this user, and make them so', id)
    .option('--gid <number>', 'show all files as owned by this group, and make them so', id)
    .option('--fsname <name>', 'what mount and df show as the source (default: leasefs@ADDRESS of the master)', fsname)
    .addOption(new Option('--noatime', 'do not record when files are read').conflicts('strictatime'))
    .option('--strictatime', 'record each time a file is read (default: as relatime of mount(8))')
    .option(
      '--timeout <time>',
      'let an operation wait so long for servers that are away, then fail with EIO',
      duration(second, 24 * hour),
      timeoutDefaultMs,
    )
}

/** @throws LeasefsError INVALID_ARGUMENT: choices that do not go together, as far as one can tell before mounting */
export function checkMountChoices({ binding, exclusive }: MountChoices): void {
  if (exclusive && binding === 'fuse-native') {
    throw new LeasefsError(
      'INVALID_ARGUMENT',
      '--exclusive needs the binding "kernel": libfuse 2.9 has nothing like it',
    )
  }
}

/** A file system that can't be changed has no access times to record. */
export function atimeOf({ noatime, strictatime, readOnly }: MountChoices): AtimePolicy {
  if (noatime || readOnly) return 'noatime'
  return strictatime ? 'strictatime' : 'relatime'
}

/** The arguments that make another process choose the same. */
export function mountArguments(choices: MountChoices): string[] {
  const { binding, timeout, allowOther, subdir, uid, gid, fsname } = choices
  const flags = {
    readOnly: '--read-only',
    exclusive: '--exclusive',
    noatime: '--noatime',
    strictatime: '--strictatime',
  }
  const values = { '--subdir': subdir, '--uid': uid, '--gid': gid, '--fsname': fsname }
  const names = Object.keys(flags) as (keyof typeof flags)[]
  return [
    ...['--binding', binding, '--timeout', `${timeout}ms`],
    ...names.filter(name => choices[name]).map(name => flags[name]),
    ...(allowOther === undefined ? [] : [allowOther ? '--allow-other' : '--no-allow-other']),
    ...Object.entries(values).flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${value}`])),
  ]
}

/** It stands among other things in lists that commas and blanks divide. */
function fsname(text: string): string {
  if (/^[!-~]+$/.test(text) && !/[,\\]/.test(text) && text.length <= fsnameLengthMax) return text
  throw new InvalidArgumentError(
    `Expected 1 to ${fsnameLengthMax} printable characters without blank, comma and backslash.`,
  )
}
