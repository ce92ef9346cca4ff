import t from 'tap'
import { MemoryStore } from '../../../src/master/state/memory-store.js'
import { stateStoreSuite } from '../../suites/state-store.js'

stateStoreSuite(t, () => new MemoryStore())
