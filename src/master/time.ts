// The clock's nanoseconds as the seconds and nanoseconds of messages.

import type { Time } from '../wire/gen/common.js'

const billion = 1_000_000_000n

/** Rounds the seconds down, so that nanos count forward also before 1970. */
export function timeOf(wallNs: bigint): Time {
  const nanos = ((wallNs % billion) + billion) % billion
  return { seconds: Number((wallNs - nanos) / billion), nanos: Number(nanos) }
}
