// What MooseFS reached with the same
// workload: one client, three chunkservers on tmpfs, goal 3, random data, two
// cores. Run on the machine at hand, nothing but the order of magnitude is
// comparable.

export const baselineName = 'MooseFS'

export const baseline: Readonly<Record<string, number>> = {
  'sequential write, 1 MiB calls': 105,
  'sequential read, 1 MiB calls, cold': 585,
  'random read, 4 KiB, cold': 5000,
  'random write, 4 KiB': 5300,
  'create empty files': 3300,
  'create and write 4 KiB files': 600,
  'stat, cold': 8700,
}
