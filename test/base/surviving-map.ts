import t from 'tap'
import { MemorySurvivingMap } from '../../src/base/surviving-map.js'
import { survivingMapSuite } from '../suites/surviving-map.js'

survivingMapSuite(t, () => {
  let map = new MemorySurvivingMap()
  return {
    map: () => map,
    next: () => {
      map = map.next()
      return map
    },
  }
})
