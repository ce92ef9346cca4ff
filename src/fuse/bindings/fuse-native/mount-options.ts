// The options libfuse 2.9 is mounted with, and why.

import type { ServeOptions } from '../binding.js'

/** What the kernel may ask for at once; 32 pages are the most that this libfuse takes. */
const readSizeMax = 128 * 1024

export function mountOptions({
  source,
  allowOther,
  readOnly,
}: Pick<ServeOptions, 'source' | 'allowOther' | 'readOnly'>): string {
  const options = [
    `fsname=${source}`,
    'subtype=leasefs',
    // Mode bits are checked by the kernel: the addon doesn't say who asks.
    'default_permissions',
    // Inode numbers are ours, the same on every mount and after a restart.
    'use_ino',
    // Writes of up to 128 KiB; else each page is a request of its own.
    'big_writes',
    `max_read=${readSizeMax}`,
    // O_TRUNC comes with the open, in one step.
    'atomic_o_trunc',
    // The kernel can't be told here that another mount has changed something, so
    // it keeps no attributes and entries: the client does, and is told.
    'attr_timeout=0',
    'entry_timeout=0',
    'negative_timeout=0',
    ...(allowOther ? ['allow_other'] : []),
    ...(readOnly ? ['ro'] : []),
  ]
  return `-o${options.join(',')}`
}
