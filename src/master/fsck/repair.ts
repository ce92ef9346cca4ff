// What a check puts right. The state by journaled mends, as often as one
// uncovers another; replicas by what does so anyway, without its delays: missing
// ones are copied, damaged ones restored by their servers, and of replicas that
// differ those in the minority are made level with the others. Without a majority
// nobody can say which is right, and they are left as they are.

import { LeasefsError } from '../../base/errors.js'
import { type ChunkHandle, handleText, type ServerId } from '../../wire/ids.js'
import { checkState } from '../check/check-state.js'
import type { Finding, Mend } from '../check/finding.js'
import { mendTexts } from '../check/mend.js'
import { retireLease } from '../chunks/repair/move.js'
import { isGoodHolder, viewOf } from '../chunks/repair/view.js'
import { type Room, tell } from '../chunks/room.js'
import type { StateSnapshot } from '../state/state-store.js'
import { type CompareOptions, isWhole } from './compare.js'
import type { Findings, Found } from './findings.js'
import { mendPassesMax, repairLookMs, repairStallMs } from './limits.js'
import type { Slices } from './slices.js'

export interface RepairOptions {
  readonly room: Room
  /** Carries out a mend; false if there was nothing to do any more. @throws LeasefsError NO_SPACE, IO, UNAVAILABLE */
  readonly mend: (mend: Mend) => Promise<boolean>
  /** Nobody waits any longer for servers that may come back. */
  readonly hurry: () => void
}

/** Rows between two words about how far it is. */
const toldSteps = 1024

/** What the state has, as found in one pass over a snapshot. */
export async function stateFindings(snapshot: StateSnapshot, slices: Slices, tell: (steps: number) => void) {
  const found: Finding[] = []
  let steps = 0
  for (const finding of checkState(snapshot)) {
    if (finding) found.push(finding)
    const rest = slices.row()
    if (rest) await rest
    if (++steps % toldSteps === 0) tell(steps)
  }
  return found
}

/** Mends, looks again, and notes what has become of each finding. */
export async function repairState(
  { mend }: Pick<RepairOptions, 'mend'>,
  first: readonly Finding[],
  look: () => Promise<readonly Finding[]>,
  findings: Findings,
): Promise<void> {
  const seen = new Map(first.map(finding => [finding.text, finding]))
  let open = first
  for (let pass = 0; pass < mendPassesMax; pass++) {
    let mended = 0
    for (const finding of open) if (finding.mend && (await mend(finding.mend))) mended++
    if (mended === 0) break
    open = await look()
    for (const finding of open) seen.set(finding.text, finding)
  }
  const left = new Set(open.map(({ text }) => text))
  for (const finding of seen.values()) {
    const found: Found = { ...finding, ...(finding.mend && { repair: mendTexts[finding.mend.kind] }) }
    findings.add(found)
    if (!left.has(finding.text)) findings.repairedOne(found.text)
  }
}

/** Resolves when nothing gets better any more. */
export async function repairReplicas(
  options: RepairOptions,
  compare: CompareOptions,
  findings: Findings,
): Promise<void> {
  const { room, hurry } = options
  const { slices } = compare
  const kinds = ['below-goal', 'missing-replica', 'different-replicas', 'corrupt-replica'] as const
  for (const { handle, server } of findings.open('missing-replica')) {
    if (handle && server) await giveUp(room, handle as ChunkHandle, server)
  }
  for (const { handle, minority = [] } of findings.open('different-replicas')) {
    for (const server of minority) room.doubts.reported(handle as ChunkHandle, server)
  }
  const all = findings.open(...kinds).length
  if (all === 0) return
  hurry()
  let changedAt = room.clock.now()
  let left = all
  while (left > 0 && room.clock.now() - changedAt < repairStallMs) {
    for (const found of findings.open(...kinds)) {
      if (await isRepaired(room, compare, found)) findings.repairedOne(found.text)
    }
    const before = left
    left = findings.open(...kinds).length
    if (left < before) changedAt = room.clock.now()
    slices.tell(`repairing: ${all - left} of ${all}`, (all - left) / all)
    if (left > 0) await slices.sleep(repairLookMs)
  }
}

/** The server's replica is not there: it is to make another one, if there is one to make it from. */
async function giveUp(room: Room, handle: ChunkHandle, server: ServerId): Promise<void> {
  try {
    await room.turns.take(handle, async () => {
      const record = room.table.chunk(handle)
      const holders = record ? viewOf(room, record).holders : []
      if (!record || !holders.some(holder => holder.server !== server && isGoodHolder(record, holder))) return
      await retireLease(room, record)
      await tell(room, server, { $case: 'delete', value: { handle, version: record.version } })
      room.replicas.remove(server, handle)
    })
  } catch (reason) {
    if (!(reason instanceof LeasefsError)) throw reason
    room.log.warn({ server, handle: handleText(handle), err: reason }, 'a replica that is not there was not given up')
  }
}

async function isRepaired(
  room: Room,
  compare: CompareOptions,
  { kind, handle = 0, minority }: Found,
): Promise<boolean> {
  const record = room.table.chunk(handle as ChunkHandle)
  // Its file is gone, and it with it.
  if (!record) return true
  const good = viewOf(room, record).holders.filter(holder => isGoodHolder(record, holder))
  if (kind === 'below-goal' || kind === 'missing-replica') return good.length >= record.goal
  if (room.doubts.has(record.handle) || (kind === 'different-replicas' && !minority)) return false
  return await isWhole(compare, record)
}
