// Operators' word that a server is to be emptied, or not any more.

import type { ServerDraining } from '../../wire/gen/state.js'
import type { ServerId } from '../../wire/ids.js'
import type { State } from '../state/state.js'
import { answer, change, type Decision, doneResult, type Outcome } from './operation.js'

export function checkServerDraining(state: State, serverId: ServerId, draining: boolean): Decision {
  if (state.servers.isDraining(serverId) === draining) return answer(doneResult)
  return change({ $case: 'serverDraining', value: { serverId, draining } })
}

export function applyServerDraining(state: State, { serverId, draining }: ServerDraining): Outcome {
  state.servers.setDraining(serverId, draining)
  return { result: doneResult, touched: [], freed: [] }
}
