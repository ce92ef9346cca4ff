// The entries of a directory: all of them, or a page.

import { LeasefsError } from '../base/errors.js'
import type { Ino } from '../wire/ids.js'
import { attributesFromWire } from './attributes.js'
import type { DirectoryPage, Entry, Name } from './file-system.js'
import { directoryPageEntriesMax, directoryPagesMax, listingAttemptsMax } from './limits.js'
import type { Metadata } from './metadata.js'
import type { Listing } from './metadata-cache.js'

/**
 * As the directory was at one moment, if it fits a page or does not change
 * meanwhile. One that changes all the time is listed as it goes: what is there
 * all along is in the list, once.
 *
 * @throws LeasefsError NOT_FOUND, NOT_A_DIRECTORY
 */
export async function listDirectory(metadata: Metadata, ino: Ino): Promise<Listing> {
  const known = metadata.known?.listing(ino)
  if (known) return known
  for (let attempt = 1; ; attempt++) {
    // Whoever changes the directory, we or another, takes the directory's attributes out of the cache.
    await metadata.getAttributes(ino)
    const before = metadata.known?.attributes(ino)
    const { listing, pages } = await readPages(metadata, ino)
    const unchanged = before !== undefined && before === metadata.known?.attributes(ino)
    if (unchanged) metadata.cache.putListing(ino, listing)
    if (unchanged || pages === 1 || attempt === listingAttemptsMax) return listing
  }
}

/**
 * The next entries after a name, from the cache if the whole directory is there.
 *
 * @throws LeasefsError NOT_FOUND, NOT_A_DIRECTORY
 */
export async function listPage(metadata: Metadata, ino: Ino, after: Name): Promise<DirectoryPage> {
  const known = metadata.known?.listingPage(ino, after, directoryPageEntriesMax)
  if (known) return known
  const { entries, more, parent } = await metadata.readDirectoryPage(ino, after, directoryPageEntriesMax)
  const listed = entries.map(({ name, attributes }) => ({ name, attributes: attributesFromWire(attributes) }))
  return { entries: listed, more, parent: parent as Ino }
}

async function readPages(metadata: Metadata, ino: Ino): Promise<{ listing: Listing; pages: number }> {
  const entries: Entry[] = []
  let after = Buffer.alloc(0)
  for (let pages = 1; pages <= directoryPagesMax; pages++) {
    const page = await metadata.readDirectoryPage(ino, after, directoryPageEntriesMax)
    for (const { name, attributes } of page.entries) entries.push({ name, attributes: attributesFromWire(attributes) })
    const last = entries.at(-1)?.name
    if (!page.more || !last || page.entries.length === 0)
      return { listing: { entries, parent: page.parent as Ino }, pages }
    after = Buffer.from(last)
  }
  throw new LeasefsError('TOO_BIG', `the listing of directory ${ino} does not end`)
}
