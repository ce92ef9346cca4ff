// Small files that are replaced whole: a crash leaves the old text or the new
// one, never a mixture and never nothing.

import { open, rename } from 'node:fs/promises'
import { dirname } from 'node:path'

/** Puts `text` into `path`, durably, in place of what was there. Leaves `path.tmp` behind if the machine dies meanwhile. */
export async function replaceFile(path: string, text: string): Promise<void> {
  const temporary = `${path}.tmp`
  const file = await open(temporary, 'w', 0o600)
  try {
    await file.writeFile(text)
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(temporary, path)
  await syncDirectory(dirname(path))
}

/** Makes the names in a directory durable: what was created, renamed or removed there. */
export async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r')
  try {
    await directory.sync()
  } finally {
    await directory.close()
  }
}
