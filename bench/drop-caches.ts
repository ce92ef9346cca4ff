import { writeFileSync } from 'node:fs'

/** Empties the kernel's caches of files and names. False if that is not for us to do. */
export function dropCaches(): boolean {
  try {
    writeFileSync('/proc/sys/vm/drop_caches', '3')
    return true
  } catch {
    return false
  }
}
