import t from 'tap'
import { silentLog } from '../../../../src/base/log.js'
import { Connection } from '../../../../src/fuse/bindings/kernel/connection.js'

t.test('where there is no mount there is nothing to abort, and no harm', async t => {
  for (const device of [undefined, '0:0', '0:99999999', 'nonsense']) {
    const connection = new Connection(device, silentLog)
    t.doesNotThrow(() => connection.raiseReadAhead())
    t.notOk(connection.abort(), device ?? 'none')
  }
})
