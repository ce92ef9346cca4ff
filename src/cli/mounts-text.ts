// What `leasefs status` says of the mounts on this host: how each stands with
// its master, and for what whoever waits is waiting.

import type { TimedWait } from '../client/client-state.js'
import { mountUsers } from '../fuse/mount-users.js'
import { handleText } from '../wire/ids.js'
import type { AskedMount } from './control/host-mounts.js'
import type { MountState, Operation } from './control/mount-state.js'
import { commandOf } from './control/processes.js'
import { operationsShownMax, silenceShownMs, usersShownMax, waitShownMs } from './limits.js'
import { printable } from './printable.js'
import { bytesText, table } from './table.js'

/** Empty without mounts. `users`: who has what open, which gives inodes their names. */
export async function mountsText(mounts: readonly AskedMount[], users = mountUsers): Promise<string> {
  if (mounts.length === 0) return ''
  const rows = mounts.map(mount => [
    `${printable(mount.mountPoint)}${mount.attached ? '' : ' (detached)'}`,
    printable(mount.source),
    standingText(mount),
    mount.state?.operationCount ?? '-',
    mount.state ? bytesText(mount.state.dirtyBytes) : '-',
  ])
  const waiting = await Promise.all(mounts.map(({ state }) => (state ? waitsText(state, users) : [])))
  return [table(['MOUNT', 'SOURCE', 'STATE', 'OPERATIONS', 'UNWRITTEN'], rows), ...waiting.flat()].join('\n\n')
}

/** In one line, for people. */
export function standingText({ standing, state, reason, record, uid }: AskedMount): string {
  switch (standing) {
    case 'answers':
      return state ? withMaster(state) : ''
    case 'stopped':
      return `process ${record?.client.pid} is stopped (SIGSTOP)`
    case 'silent':
      return `process ${record?.client.pid} does not answer: ${reason}`
    case 'starting':
      return 'its process has died, and another is being started'
    case 'gone':
      return 'dead: its process has ended'
    case 'unknown':
      return `of user ${uid}: can not be asked`
  }
}

function withMaster({ connected, standingMs, silentMs, errorsUntold, lostBytes }: MountState): string {
  const lost = lostBytes > 0 ? `, ${bytesText(lostBytes)} lost` : ''
  const untold = errorsUntold > 0 ? `, ${errorsUntold} errors not told yet` : ''
  const silent = silentMs >= silenceShownMs ? `, master silent for ${ageText(silentMs)}` : ''
  const away = `master away for ${ageText(standingMs)}`
  return (connected ? `connected for ${ageText(standingMs)}${silent}` : away) + untold + lost
}

/**
 * Who is in a mount: "1234 (bash: working directory /mnt/a)", once for each process, those who wait for an answer among
 * them. Empty if there is nobody, or nobody whom this user may see.
 */
export async function usersText(mountPoint: string, state?: MountState): Promise<string> {
  const users = new Map<number, string>()
  for (const { pid, operation } of state?.operations ?? []) {
    const command = pid === undefined ? '' : commandOf(pid)
    if (pid !== undefined && command) users.set(pid, `${pid} (${command}: waits for ${operation.toLowerCase()})`)
  }
  for (const { pid, how, path } of await mountUsers(mountPoint)) {
    if (!users.has(pid)) users.set(pid, `${pid} (${commandOf(pid)}: ${how} ${printable(path)})`)
  }
  const all = [...users.values()]
  const more = all.length > usersShownMax ? [`${all.length - usersShownMax} more`] : []
  return [...all.slice(0, usersShownMax), ...more].join(', ')
}

/** A paragraph on what has been waiting for a while; nothing if nothing has. */
async function waitsText(state: MountState, users: typeof mountUsers): Promise<string[]> {
  const operations = state.operations.filter(({ ageMs }) => ageMs >= waitShownMs)
  const waits = state.waits.filter(({ ageMs }) => ageMs >= waitShownMs)
  if (operations.length === 0 && waits.length === 0) return []
  const names = new Map((await users(state.mountPoint)).map(({ ino, path }) => [ino, printable(path)]))
  const nameOf = (ino: number | undefined) => (ino === undefined ? '' : (names.get(ino) ?? `inode ${ino}`))
  const lines = [
    ...shown(operations).map(operation => operationText(operation, nameOf)),
    ...(waits.length > 0 ? ['waits for:'] : []),
    ...shown(groups(waits, state, nameOf)),
  ]
  return [
    `${state.mountPoint}: ${state.operationCount} operations under way\n${lines.map(line => `  ${line}`).join('\n')}`,
  ]
}

function operationText({ operation, ageMs, ino, path, pid }: Operation, nameOf: (ino?: number) => string): string {
  const who = pid === undefined ? '' : ` of process ${pid}${commandOf(pid) && ` (${commandOf(pid)})`}`
  return `${ageText(ageMs)}  ${operation.toLowerCase()} ${path ?? nameOf(ino)}${who}`.trimEnd()
}

/** Many may wait for the same: it is said once, with the times of the oldest. */
function groups(waits: readonly TimedWait[], state: MountState, nameOf: (ino?: number) => string): string[] {
  const counts = new Map<string, { readonly oldest: TimedWait; count: number }>()
  for (const wait of waits) {
    const text = waitText(wait, state, nameOf)
    const known = counts.get(text)
    if (known) known.count++
    else counts.set(text, { oldest: wait, count: 1 })
  }
  return [...counts].map(([text, { oldest, count }]) => {
    const left = oldest.leftMs === undefined ? '' : `, ${ageText(oldest.leftMs)} left`
    return `${ageText(oldest.ageMs)}${left}  ${text}${count > 1 ? ` (${count} times)` : ''}`
  })
}

export function waitText(
  wait: TimedWait,
  { master, connected }: Pick<MountState, 'master' | 'connected'>,
  nameOf: (ino?: number) => string,
): string {
  const { what, waitsFor, ino, index, handle, servers = [], reason } = wait
  const chunk = index === undefined ? '' : `chunk ${index} of `
  const ofWhat = ino === undefined ? '' : ` of ${chunk}${nameOf(ino)}`
  const named = handle === undefined ? '' : ` ${handleText(handle)}`
  const where = servers.length === 0 ? '' : ` (${servers.join(', ')})`
  const why = reason === undefined ? '' : `: ${reason}`
  switch (waitsFor) {
    case 'master':
      return `the master at ${master}, ${connected ? 'which has not answered' : 'which is away'}: ${what}${ofWhat}`
    case 'lock':
      return `a lock that another holds${ofWhat}`
    case 'room':
      return 'room for what is written: other writes must be applied first'
    case 'replicas':
      return `a replica of chunk${named} that can be read${where}, to read ${chunk}${nameOf(ino)}${why}`
    case 'primary':
      return `the primary of chunk${named}${where}, to ${what}${ofWhat && ` ${chunk}${nameOf(ino)}`}${why}`
  }
}

function shown<T>(all: readonly T[]): T[] {
  return all.slice(0, operationsShownMax)
}

/** "0.4 s", "12 s", "3 min", "5 h": enough to tell a moment from an outage. */
export function ageText(ms: number): string {
  const seconds = ms / 1000
  if (seconds < 10) return `${seconds.toFixed(1)} s`
  if (seconds < 120) return `${Math.round(seconds)} s`
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`
  return `${Math.round(seconds / 3600)} h`
}
