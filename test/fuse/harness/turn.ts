/** Everything that is ready has run when this resolves. */
export function turn(): Promise<void> {
  return new Promise(resolve => setImmediate(resolve))
}
