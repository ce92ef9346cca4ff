// A directory tree with one of everything, and a picture of a tree that two
// moments can be compared by.

import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { lstat, readdir, readlink } from 'node:fs/promises'
import { join } from 'node:path'
import { shell } from './harness.js'

/** Fills an empty directory below `parent`: small files, one over a chunk border, a hole, links, modes, times. */
export async function makeTree(parent: string, name: string): Promise<void> {
  await shell(
    parent,
    `mkdir ${name}; cd ${name}
     mkdir -p deep/er/still; printf hello > deep/er/still/small; : > empty
     head -c 3000000 /dev/urandom > middle
     head -c 70000000 /dev/urandom > large
     dd if=/dev/urandom of=holes bs=1000 count=3 seek=5000 2>/dev/null
     ln -s nowhere dangling
     ln middle middle-again; ln -s ../middle deep/to-middle
     printf x > 'blank and \\303\\274'; chmod 4751 empty; chmod 700 deep
     touch -d '2001-02-03 04:05:06' middle; touch -a -d '1999-01-01' empty`,
  )
}

export interface Picture {
  readonly kind: string
  readonly ino: bigint
  readonly mode: bigint
  readonly owner: string
  readonly nlink: bigint
  readonly size: bigint
  readonly mtimeNs: bigint
  readonly content: string
}

/** Everything about a tree but its access and change times, by path. */
export async function pictureOf(root: string): Promise<Record<string, Picture>> {
  const picture: Record<string, Picture> = {}
  for (const name of ['', ...(await readdir(root, { recursive: true })).sort()]) {
    const path = join(root, name)
    const { ino, mode, uid, gid, nlink, size, mtimeNs, ...is } = await lstat(path, { bigint: true }).then(stat => ({
      ...stat,
      kind: stat.isDirectory() ? 'directory' : stat.isSymbolicLink() ? 'symlink' : 'file',
    }))
    const content = is.kind === 'file' ? await digest(path) : is.kind === 'symlink' ? await readlink(path) : ''
    picture[name] = { kind: is.kind, ino, mode, owner: `${uid}:${gid}`, nlink, size, mtimeNs, content }
  }
  return picture
}

async function digest(path: string): Promise<string> {
  const hash = createHash('sha256')
  for await (const piece of createReadStream(path, { highWaterMark: 2 ** 20 })) hash.update(piece)
  return hash.digest('hex')
}
