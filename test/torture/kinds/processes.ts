// Processes that die, and such that do nothing for a while.

import type { Daemon } from '../../cluster/harness.js'
import { between, type Fault, type Kind, shorterOrLonger, type Target } from './kind.js'

export const processKinds: Readonly<Record<string, Kind>> = {
  'kill-primary': target => killServer(target, target.primary),
  'kill-secondary': target => killServer(target, one(target.secondaries, target)),
  'kill-first-of-chain': target => killServer(target, target.chain[0]),
  'kill-middle-of-chain': target => killServer(target, target.chain[1]),
  'kill-master': killMaster,
  'kill-mount': target => killMount(target, false),
  'crash-mount': target => killMount(target, true),
  'kill-worker': killWorker,
  'kill-all-chunkservers': killAll,
  'stop-primary': target => stopServer(target, target.primary),
  'stop-secondary': target => stopServer(target, one(target.secondaries, target)),
  'stop-first-of-chain': target => stopServer(target, target.chain[0]),
  'stop-middle-of-chain': target => stopServer(target, target.chain[1]),
  'stop-master': target => stop(target, 'master', signal => target.stage.cluster.master.kill(signal)),
  'stop-mount': stopMount,
  'stop-all-chunkservers': target => {
    const { chunkservers } = target.stage.cluster
    return stop(target, 'all chunkservers', signal => Promise.all(chunkservers.map(server => server.kill(signal))))
  },
}

function killServer({ stage, random }: Target, index = 0): Fault {
  const server = stage.server(index)
  return {
    what: `SIGKILL of ${server.label}`,
    holdMs: restartAfterMs(random),
    begin: async () => void (await server.kill()),
    end: () => server.start(),
  }
}

function killMaster({ stage, random }: Target): Fault {
  const { master } = stage.cluster
  return {
    what: 'SIGKILL of the master',
    holdMs: restartAfterMs(random),
    begin: async () => void (await master.kill()),
    end: () => master.start(),
  }
}

/** `withWorker`: as if its machine died. The worker alone takes leave of the master, if it has the time. */
function killMount({ stage, random, mount }: Target, withWorker: boolean): Fault {
  return {
    what: `SIGKILL of mount-${mount + 1}${withWorker ? ' and its worker' : ''}`,
    holdMs: restartAfterMs(random),
    begin: () => stage.killMount(mount, withWorker),
    end: () => stage.startMount(mount),
  }
}

/** Another goes on at once: nobody who uses the mount may see more than a pause. */
function killWorker({ stage, random, mount }: Target): Fault {
  return {
    what: `SIGKILL of the worker of mount-${mount + 1}`,
    holdMs: between(random, 0, 500),
    begin: async () => signalWorker(stage.cluster.mounts[mount], 'SIGKILL'),
    end: async () => {},
  }
}

/** The keeper, and the worker, which does all the work. */
function stopMount(target: Target): Fault {
  const mount = target.stage.cluster.mounts[target.mount]
  return stop(target, `mount-${target.mount + 1}`, async signal => {
    await mount?.kill(signal)
    signalWorker(mount, signal)
  })
}

function signalWorker(mount: Daemon | undefined, signal: NodeJS.Signals): void {
  if (mount?.workerPid !== undefined) process.kill(mount.workerPid, signal)
}

function killAll({ stage, random }: Target): Fault {
  const { chunkservers } = stage.cluster
  return {
    what: 'SIGKILL of all chunkservers',
    holdMs: restartAfterMs(random),
    begin: async () => void (await Promise.all(chunkservers.map(server => server.kill()))),
    end: async () => void (await Promise.all(chunkservers.map(server => server.start()))),
  }
}

function stopServer(target: Target, index = 0): Fault {
  const server = target.stage.server(index)
  return stop(target, server.label, signal => server.kill(signal))
}

function stop({ random }: Target, what: string, send: (signal: NodeJS.Signals) => Promise<unknown>): Fault {
  const holdMs = shorterOrLonger(random)
  return {
    what: `SIGSTOP of ${what} for ${holdMs} ms`,
    holdMs,
    begin: async () => void (await send('SIGSTOP')),
    end: async () => void (await send('SIGCONT')),
  }
}

/** At once, or when its absence has been noticed. */
function restartAfterMs(random: Target['random']): number {
  return random.next() < 0.3 ? 0 : between(random, 100, 1200)
}

function one(indexes: readonly number[], { random }: Target): number {
  return indexes[Math.floor(random.next() * indexes.length)] ?? 0
}
