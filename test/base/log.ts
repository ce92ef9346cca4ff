import { spawnSync } from 'node:child_process'
import t from 'tap'

t.test('a log line is JSON on stderr, written at once, from its level on', async t => {
  const log = new URL(`../../src/base/log.${import.meta.url.slice(-2)}`, import.meta.url).href
  const source = `
    import(${JSON.stringify(log)}).then(({ openLog }) => {
      const log = openLog('tester', 'info')
      log.debug('unseen')
      log.info({ chunk: 'a1' }, 'seen')
      process.kill(process.pid, 'SIGKILL')
    })`
  const { stdout, stderr } = spawnSync(process.execPath, [...process.execArgv, '-e', source], { encoding: 'utf8' })
  t.equal(stdout, '')
  t.match(JSON.parse(stderr), { name: 'tester', chunk: 'a1', msg: 'seen', pid: Number })
})
