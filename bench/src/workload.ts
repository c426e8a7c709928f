/** What every container of a comparison is limited to, ours and theirs. */
export const limits = { memory: 64 * 2 ** 20, cpus: 1, pids: 64 } as const

/** The same limits in the words of docker and podman. */
export const limitFlags = `--memory ${limits.memory} --cpus ${limits.cpus} --pids-limit ${limits.pids}`

/** A program that does nothing until it is killed. */
export const idle = ['sleep', '1000000'] as const
