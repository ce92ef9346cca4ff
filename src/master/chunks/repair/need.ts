// What a chunk needs: a copy, to lose a replica, or nothing. Pure: decided from
// the journaled record and from where its replicas are.

import type { ServerId } from '../../../wire/ids.js'
import type { Location } from '../../../wire/location.js'
import type { ChunkRecord } from '../../chunk-table.js'
import { isGood } from '../lease-plan.js'
import type { Standing } from '../servers.js'

export interface Holder {
  readonly server: ServerId
  readonly version: number
  readonly standing: Standing
  readonly draining: boolean
  readonly location: Location
  readonly freeBytes: number
}

export interface ChunkView {
  readonly record: ChunkRecord
  /** Every replica of the chunk that is known of. */
  readonly holders: readonly Holder[]
  /** Replicas on servers that said goodbye and are taken to come back. */
  readonly expected: number
}

export type Need =
  | { readonly kind: 'none' }
  /** A server may still be serving, or about to report: nothing can be said now. */
  | { readonly kind: 'wait' }
  /** There is no good replica. */
  | { readonly kind: 'lost' }
  /** Fewer than the goal; `copies` are left. */
  | { readonly kind: 'copy'; readonly copies: number }
  /** As many as the goal, some of them on servers that are being emptied: one of those is to be somewhere else. */
  | { readonly kind: 'move'; readonly from: ServerId }
  /** More than the goal: this one may go. */
  | { readonly kind: 'surplus'; readonly victim: ServerId; readonly draining: boolean }

export function needOf({ record, holders, expected }: ChunkView): Need {
  const good = holders.filter(({ version }) => isGood(record, version))
  const serving = good.filter(({ standing }) => standing === 'serving')
  if (good.some(({ standing }) => standing === 'silent' || standing === 'reporting')) return { kind: 'wait' }
  if (serving.length === 0) return { kind: 'lost' }

  const leaving = serving.filter(({ draining }) => draining)
  const staying = serving.length - leaving.length
  if (staying >= record.goal && serving.length > record.goal) {
    const victim = victimOf(leaving.length > 0 ? leaving : serving)
    return { kind: 'surplus', victim: victim.server, draining: victim.draining }
  }
  if (staying + expected >= record.goal) return { kind: 'none' }
  const [from] = leaving
  if (from && serving.length + expected >= record.goal) return { kind: 'move', from: from.server }
  return { kind: 'copy', copies: serving.length }
}

/** The one in the most crowded rack, there on the most crowded host, and among equals on the fullest server. */
function victimOf(holders: readonly Holder[]): Holder {
  const crowd = (of: Holder) => {
    const inRack = holders.filter(
      ({ location }) => location.dc === of.location.dc && location.rack === of.location.rack,
    )
    return (
      inRack.length * (holders.length + 1) + inRack.filter(({ location }) => location.host === of.location.host).length
    )
  }
  return holders.reduce((worst, holder) => {
    const more = crowd(holder) - crowd(worst)
    return more > 0 || (more === 0 && holder.freeBytes < worst.freeBytes) ? holder : worst
  })
}

export interface Urgency {
  readonly copies: number
  /** Its file has no name any more: who has it open, or wants it back, can wait. */
  readonly deleted: boolean
}

/** Classes of urgency: what is in a lower one goes first. What a client waits for goes before all of them. */
export const urgencyClasses = 4

/** The fewest copies first, live files before deleted ones. */
export function urgencyOf({ copies, deleted }: Urgency): number {
  if (copies <= 1) return deleted ? 1 : 0
  return deleted ? 3 : 2
}
