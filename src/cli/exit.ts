// How a process has ended.

export interface Exit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

export function exitText({ code, signal }: Exit): string {
  return signal ? `killed by ${signal}` : `exit code ${code}`
}
