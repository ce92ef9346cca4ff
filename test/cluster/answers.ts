// What `leasefs locate` and `leasefs status` print with --json, and the lines of
// a trace.

export interface Located {
  readonly ino: number
  readonly size: number
  readonly goal: number
  readonly chunks: readonly {
    readonly index: number
    readonly handle: string
    readonly version: number
    readonly lease: {
      readonly leaseId: number
      readonly primary: string
      readonly secondaries: readonly string[]
      readonly remainingMs: number
    } | null
    readonly replicas: readonly {
      readonly serverId: string
      readonly controlAddress: string
      readonly dataAddress: string
      readonly location: string
      readonly version: number
      readonly stale: boolean
    }[]
  }[]
}

export interface Status {
  readonly clusterId: string
  readonly goal: number
  readonly inodes: number
  readonly chunks: number
  readonly chunksBelowGoal: number
  readonly chunksMissing: number
  readonly leasesInForce: number
  readonly clients: number
  readonly unknownReplicas: number
  readonly disk: {
    readonly code: string
    readonly onlyGrowth: boolean
    readonly restart: boolean
    readonly journalBytes: number
    readonly lastIndex: number
    readonly snapshotIndex: number
  }
  readonly damagedChunks: number
  readonly damaged: readonly { readonly ino: number; readonly blocks: number; readonly lost: boolean }[]
  readonly servers: readonly {
    readonly serverId: string
    readonly controlAddress: string
    readonly dataAddress: string
    readonly location: string
    readonly connected: boolean
    readonly replicas: number
    readonly leases: number
    readonly freeBytes: number
    readonly disk?: { readonly code: string }
  }[]
}

export interface TraceLine {
  readonly t: bigint
  readonly who: string
  readonly event: string
  readonly handle?: string
  readonly version?: number
  readonly leaseId?: number
  readonly dataId?: string
  readonly serial?: number
  readonly from?: string
  readonly to?: string
  readonly bytes?: number
  readonly [more: string]: unknown
}
