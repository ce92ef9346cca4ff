// One process at a time in a directory. Who holds the lock listens on a unix
// socket in `DIR/lock/`, under a name no one else ever uses: the kernel closes it
// with the process, however it ends, and tells others so (ECONNREFUSED), also
// across containers that share the directory.
//
// Invariants:
// - A candidate first listens, then looks for others. Of two candidates, at
//   least one sees the other, so two never both succeed. They may both give
//   way; each then tries again after a random wait.
// - A dead name is never used again, so removing it cannot hit a live holder.
//   A candidate whose own name was removed between its bind and its listen
//   finds that out afterwards, and tries again.

import { existsSync } from 'node:fs'
import { mkdir, open, readdir, unlink } from 'node:fs/promises'
import { createConnection, createServer, type Server } from 'node:net'
import { join } from 'node:path'
import type { Clock } from './clock.js'
import { LeasefsError } from './errors.js'
import type { Random } from './random.js'

const attemptsMax = 4
const attemptPauseMs = 40

/** The longest path the kernel takes for a socket, less the terminating NUL; macOS takes 103. */
const socketPathLengthMax = 103

export interface DirectoryLock {
  /** Lets others in. Idempotent. */
  release(): Promise<void>
}

/**
 * Locks an existing directory against every other process (and this one).
 *
 * @throws LeasefsError LOCKED; else the error of the file system, as it came
 */
export async function lockDirectory(path: string, clock: Clock, random: Random): Promise<DirectoryLock> {
  const sockets = join(path, 'lock')
  await mkdir(sockets, { mode: 0o700, recursive: true })
  for (let attempt = 1; ; attempt++) {
    const lock = await tryLock(sockets, random.uuid())
    if (lock) return lock
    if (attempt === attemptsMax) throw new LeasefsError('LOCKED', `${path} is in use by another process`)
    await clock.sleep(attemptPauseMs * random.next())
  }
}

async function tryLock(sockets: string, name: string): Promise<DirectoryLock | undefined> {
  // Through the descriptor a path of any length fits into a socket's address.
  const directory = await open(sockets, 'r')
  const own = join(sockets, name)
  try {
    const base = process.platform === 'linux' ? `/proc/self/fd/${directory.fd}` : sockets
    if (base.length + 1 + name.length > socketPathLengthMax) {
      throw new LeasefsError('NAME_TOO_LONG', `${sockets} is too long a path for a socket`)
    }
    const server = await listen(`${base}/${name}`)
    const release = once(() => close(server, own))
    try {
      if (!(await othersAlive(base, sockets, name)) && existsSync(own)) return { release }
    } catch (reason) {
      await release()
      throw reason
    }
    await release()
    return undefined
  } finally {
    await directory.close()
  }
}

async function othersAlive(base: string, sockets: string, own: string): Promise<boolean> {
  for (const name of await readdir(sockets)) {
    if (name === own) continue
    if (await isAlive(`${base}/${name}`)) return true
    await removeIfThere(join(sockets, name))
  }
  return false
}

/** Anything but a clear "no one listens" counts as alive. */
function isAlive(socketPath: string): Promise<boolean> {
  return new Promise(resolve => {
    const probe = createConnection(socketPath)
    const answer = (alive: boolean) => {
      probe.destroy()
      resolve(alive)
    }
    probe.once('connect', () => answer(true))
    probe.once('error', (error: NodeJS.ErrnoException) =>
      answer(!['ECONNREFUSED', 'ENOENT', 'ENOTSOCK'].includes(error.code ?? '')),
    )
  })
}

function listen(socketPath: string): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer(probe => probe.destroy())
    server.once('error', reject)
    server.listen(socketPath, () => {
      server.removeListener('error', reject)
      server.unref()
      resolve(server)
    })
  })
}

async function close(server: Server, own: string): Promise<void> {
  // Node removes the name itself where it still can; its path through the descriptor is gone by then.
  await removeIfThere(own)
  await new Promise<void>(resolve => server.close(() => resolve()))
}

async function removeIfThere(path: string): Promise<void> {
  await unlink(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error
  })
}

function once(run: () => Promise<void>): () => Promise<void> {
  let done: Promise<void> | undefined
  return () => {
    done ??= run()
    return done
  }
}
