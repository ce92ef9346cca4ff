// Starts one of the programs of src/cli/ as it was built into dist/. CommonJS,
// since the size of libuv's thread pool is read when the pool is first used, and
// loading an ES module uses it.

process.env.UV_THREADPOOL_SIZE ??= '16'

exports.run = name => {
  import(`../dist/src/cli/${name}.js`).then(({ main }) => main(), reason => {
    const why = reason.code === 'ERR_MODULE_NOT_FOUND' && /cli.\w+\.js/.test(reason.message)
      ? 'it is not built: run bin/setup'
      : `a part of it cannot be loaded (see native-deps.md; bin/setup repairs a checkout): ${reason.message.split('\n')[0]}`
    const program = name === 'leasefs' ? name : `leasefs-${name}`
    process.stderr.write(`${program}: ${why}\n`)
    process.exitCode = 1
  })
}
