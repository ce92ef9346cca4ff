// A client that can be killed, so that another goes on with what it leaves.

import { MemorySurvivingMap } from '../../../src/base/surviving-map.js'
import { Survival } from '../../../src/client/survival.js'
import type { ControlNetwork, ControlPeer } from '../../../src/rpc/control-network.js'
import type { Cluster } from './cluster.js'

/** One that is dead waits so long for those it does not reach. */
const timeoutMs = 3000

const nowhere = { host: '127.0.0.1', port: 1 }

export class Mortal {
  readonly #cluster: Cluster
  #map = new MemorySurvivingMap()
  #kill = () => {}

  constructor(cluster: Cluster) {
    this.#cluster = cluster
  }

  /** Starts a client, or the next one. */
  async live() {
    const control = mortalNetwork(this.#cluster.control)
    this.#kill = control.kill
    this.#map = this.#map.next()
    const survival = new Survival(this.#map)
    const fileSystem = await this.#cluster.client({ control: control.network, survival, timeoutMs })
    return { fileSystem, survival, map: this.#map }
  }

  /** From here on the client reaches no one, and no one notices what it puts. */
  die(): void {
    this.#kill()
    this.#map = this.#map.next()
  }
}

function mortalNetwork(inner: ControlNetwork) {
  const peers = new Set<ControlPeer>()
  let dead = false
  const network: ControlNetwork = {
    serve: (listen, handlers) => inner.serve(listen, handlers),
    probe: (address, timeoutMs) => inner.probe(address, timeoutMs),
    connect: address => {
      const peer = inner.connect(dead ? nowhere : address)
      peers.add(peer)
      return {
        address,
        call: (method, request, options) => (dead ? inner.connect(nowhere) : peer).call(method, request, options),
        open: method => (dead ? inner.connect(nowhere) : peer).open(method),
        close: () => peer.close(),
      }
    },
  }
  const kill = () => {
    dead = true
    for (const peer of peers) peer.close()
  }
  return { network, kill }
}
