// How a master's records go on from start to start, and how someone who has
// served it before can tell that it lacks some that it had: then it is an older
// copy, a backup or a standby started by mistake. Nothing may be thrown away at
// the word of such a one.

export interface MasterStart {
  /** Starts of the master, counted in its journal. */
  readonly epoch: number
  /** Of this start and no other, also not of one of a copy. */
  readonly id: string
  /** Its journal record. */
  readonly index: number
}

/** Of a master, as it presents itself. */
export interface MasterHistory {
  /** The last of them, in order: at least the present one. */
  readonly starts: MasterStart[]
  /** The epoch of the last start that knew that records were missing, 0 if there was none. */
  readonly lostEpoch: number
  /** The last record of its journal. */
  readonly index: number
}

/** What was seen of a master: a start, and the last journal record that it spoke of since. */
export type MasterSeen = MasterStart

/**
 * Whether this master lacks records that the one that was seen had, without
 * knowing it. One that knows has put its numbers beyond all that may be lost.
 */
export function knowsLess({ starts, lostEpoch, index }: MasterHistory, seen: MasterSeen): boolean {
  if (lostEpoch > seen.epoch) return false
  const at = starts.findIndex(({ epoch }) => epoch === seen.epoch)
  const start = starts[at]
  // Long ago, as far as it is told here, or not at all.
  if (!start) return (starts.at(-1)?.epoch ?? 0) < seen.epoch || (starts[0]?.index ?? 0) <= seen.index
  const next = starts[at + 1]
  return start.id !== seen.id || (next ? next.index <= seen.index : index < seen.index)
}
