// How much of its chunks is stored, as their primaries counted it. A file's
// allocatedBytes is the sum over its chunks, always.

import { LeasefsError } from '../../base/errors.js'
import { chunkSize } from '../../constants.js'
import type { ChunkUsage } from '../../wire/gen/common.js'
import type { ChunkRecord } from '../chunk-table.js'
import type { State } from '../state/state.js'

/** Chunks one request may report on. */
export const usagesMax = 4096

/** Those that say something newer of a chunk the file has; reports of dropped chunks come late and mean nothing. @throws LeasefsError INVALID_ARGUMENT */
export function checkUsage(state: State, ino: number, usage: readonly ChunkUsage[]): ChunkUsage[] {
  if (usage.length > usagesMax) throw new LeasefsError('INVALID_ARGUMENT', `reports on ${usage.length} chunks`)
  const large = usage.find(({ allocatedBytes }) => allocatedBytes > chunkSize)
  if (large) throw new LeasefsError('INVALID_ARGUMENT', `${large.allocatedBytes} bytes in a chunk`)
  return usage.filter(report => newerOf(state, ino, report) !== undefined)
}

/** Notes what is new; returns by how much the file's allocatedBytes grew. */
export function noteUsage(state: State, ino: number, usage: readonly ChunkUsage[]): number {
  let grown = 0
  for (const report of usage) {
    const record = newerOf(state, ino, report)
    if (!record) continue
    grown += report.allocatedBytes - record.allocatedBytes
    const { allocatedBytes, leaseId, serial } = report
    state.chunks.put({ ...record, allocatedBytes, usageLeaseId: leaseId, usageSerial: serial, placed: [] })
  }
  return grown
}

/** The chunk as it is, if the report is newer. */
function newerOf(state: State, ino: number, { handle, leaseId, serial }: ChunkUsage): ChunkRecord | undefined {
  const record = state.chunks.find(handle)
  if (record?.ino !== ino) return undefined
  const { usageLeaseId, usageSerial } = record
  const newer = leaseId > usageLeaseId || (leaseId === usageLeaseId && serial > usageSerial)
  return newer ? record : undefined
}
