// The names of things, branded so that one cannot be passed for another.

declare const brand: unique symbol
type Brand<T, Name extends string> = T & { readonly [brand]: Name }

/** A chunk's name for all of the cluster's time, never reused. Below 2^53. */
export type ChunkHandle = Brand<number, 'ChunkHandle'>

/** An inode number. Never reused. Below 2^53. */
export type Ino = Brand<number, 'Ino'>

/** A client session: made by the master, never reused. Below 2^53. */
export type SessionId = Brand<number, 'SessionId'>

/** UUIDs, kept in the data directories. */
export type ServerId = Brand<string, 'ServerId'>
export type ClusterId = Brand<string, 'ClusterId'>

/** One grant of a chunk lease. Later grants have higher ids, across restarts of the master. */
export type LeaseId = Brand<number, 'LeaseId'>

/**
 * Names pushed data, and the mutation that commits it: retries carry the same
 * id and are applied once. `client` is the session that pushed.
 */
export interface DataId {
  readonly client: SessionId
  readonly counter: number
}

/** A place in the order of a chunk's mutations. */
export interface OrderPlace {
  readonly leaseId: number
  readonly serial: number
}

/** As a key of maps and in traces. */
export function dataIdText(id: { readonly client: number; readonly counter: number }): string {
  return `${id.client}:${id.counter}`
}

/** As file names, traces and people see it: 16 hex digits. */
export function handleText(handle: number): string {
  return handle.toString(16).padStart(16, '0')
}
