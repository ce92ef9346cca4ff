// What the check of a data directory says as it goes.

export interface DirectoryFinding {
  /** The file or directory it is about. */
  readonly where: string
  /** What is wrong, for people. */
  readonly text: string
  /** It is as it should be, or is put right at the next start: worth knowing, and nothing wrong. */
  readonly harmless: boolean
}

export interface DirectoryProgress {
  readonly doing: string
  /** Of this part, from 0 to 1. */
  readonly share: number
}

export type DirectoryStep = DirectoryFinding | DirectoryProgress

export function isFinding(step: DirectoryStep): step is DirectoryFinding {
  return 'where' in step
}

export function wrong(where: string, text: string): DirectoryFinding {
  return { where, text, harmless: false }
}

export function note(where: string, text: string): DirectoryFinding {
  return { where, text, harmless: true }
}

/** The message of an error about a file, without the name of the file. */
export function about(where: string, message: string): string {
  const [, text = message] = message.startsWith(where) ? (/^:? (.*)$/s.exec(message.slice(where.length)) ?? []) : []
  return text
}
