// The network of a run: each party (master, chunkserver, mount) in a network
// namespace of its own, with one link to a router, which is the namespace that
// this process runs in. There is no way out of it: nothing else can be reached.
//
// A namespace lives as long as a process in it: it is held by one that ends
// with this one, and needs no cleaning up.

import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { readlinkSync, writeFileSync } from 'node:fs'
import { promisify } from 'node:util'
import { plainNode } from '../cluster/programs.js'

const run = promisify(execFile)

export interface Party {
  /** The address of its end of the link. */
  readonly host: string
  /** What runs a program in its namespace. */
  readonly command: readonly [string, ...string[]]
}

interface Held extends Party {
  readonly holder: ChildProcess
  /** The router's end of its link. */
  readonly link: string
}

export class Network {
  readonly #parties = new Map<string, Held>()
  /** Rules of the router that throw packets away, as `ip rule` takes them. */
  readonly #cuts = new Set<string>()

  /** Makes this process's namespace the router. It must be a new one. */
  static async open(): Promise<Network> {
    const { stdout } = await run('ip', ['-brief', 'link'])
    if (stdout.trim().split('\n').length > 2) throw new Error('this is not a network namespace of its own')
    await run('ip', ['link', 'set', 'lo', 'up'])
    writeFileSync('/proc/sys/net/ipv4/ip_forward', '1')
    return new Network()
  }

  /** The place of a party: made if it is a new one. */
  async party(name: string): Promise<Party> {
    const known = this.#parties.get(name)
    if (known) return known
    const number = this.#parties.size + 1
    const holder = spawn('unshare', ['--net', 'cat'], { stdio: ['pipe', 'ignore', 'ignore'] })
    const pid = holder.pid ?? 0
    const ours = readlinkSync('/proc/self/ns/net')
    while (readlinkSync(`/proc/${pid}/ns/net`) === ours) await new Promise(resolve => setTimeout(resolve, 5))
    const enter = ['nsenter', `--net=/proc/${pid}/ns/net`] as const
    const link = `party-${number}`
    const host = `10.77.${number}.2`
    await commands(
      ['ip', '-batch', '-'],
      `link add ${link} type veth peer name eth0 netns ${pid}`,
      `addr add 10.77.${number}.1/24 dev ${link}`,
      `link set ${link} up`,
    )
    await commands(
      [...enter, 'ip', '-batch', '-'],
      'link set lo up',
      `addr add ${host}/24 dev eth0`,
      'link set eth0 up',
      `route add 10.77.0.0/16 via 10.77.${number}.1`,
    )
    const party = { host, command: [...enter, ...plainNode] as const, holder, link }
    this.#parties.set(name, party)
    return party
  }

  /** Takes the link of a party away: nothing comes to it and nothing from it. */
  async unplug(name: string): Promise<void> {
    await run('ip', ['link', 'set', this.#party(name).link, 'down'])
  }

  async plug(name: string): Promise<void> {
    await run('ip', ['link', 'set', this.#party(name).link, 'up'])
  }

  /** From now on what `from` sends to `to` (or to all others) is lost; nobody is told. */
  async cut(from: string, to?: string): Promise<void> {
    const rule = ruleOf(this.#party(from), to === undefined ? undefined : this.#party(to))
    if (this.#cuts.has(rule)) return
    this.#cuts.add(rule)
    await commands(['ip', '-batch', '-'], `rule add ${rule}`)
  }

  async mend(from: string, to?: string): Promise<void> {
    const rule = ruleOf(this.#party(from), to === undefined ? undefined : this.#party(to))
    if (this.#cuts.delete(rule)) await commands(['ip', '-batch', '-'], `rule del ${rule}`)
  }

  close(): void {
    for (const { holder } of this.#parties.values()) holder.kill('SIGKILL')
  }

  #party(name: string): Held {
    const party = this.#parties.get(name)
    if (!party) throw new Error(`there is no ${name}`)
    return party
  }
}

function ruleOf(from: Party, to: Party | undefined): string {
  return to ? `from ${from.host} to ${to.host} blackhole` : `from ${from.host} blackhole`
}

async function commands([program, ...args]: readonly [string, ...string[]], ...lines: string[]): Promise<void> {
  const running = run(program, args)
  running.child.stdin?.end(`${lines.join('\n')}\n`)
  await running
}
