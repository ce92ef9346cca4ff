// What one mount may hold at a time.

/** Open files of a mount. More answer ENFILE; a process meets its own RLIMIT_NOFILE long before. */
export const openFilesMax = 65_536

/** Open directories of a mount: each may keep the whole listing it is being read from. */
export const openDirectoriesMax = 4096
