/**
 * Text that others chose (names of files, of mounts, of processes), without what
 * a terminal would obey.
 */
export function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what it is about.
  return text.replaceAll(/[\u0000-\u001f\u007f-\u009f]/g, '?')
}
