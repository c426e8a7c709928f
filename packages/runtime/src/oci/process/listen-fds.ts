import { readlinkSync } from 'node:fs'

/** Descriptors handed over for socket activation, sd_listen_fds(3). */
export interface ListenFds {
  /** How many descriptors from 3 on the process is to have. */
  readonly count: number
  /** `LISTEN_FDS` and `LISTEN_PID`, for the end of its environment. */
  readonly env: readonly string[]
}

/**
 * What the caller of the runtime handed over for the container: `LISTEN_FDS` of our environment, unless `LISTEN_PID`
 * says that it was meant for another process. In the container the process is 1.
 *
 * Only descriptors that are sockets or files with a path count: where fewer were handed over than announced, the
 * numbers behind them belong to Node itself, whose event loop no container may get at.
 *
 * @param env - Environment of the runtime.
 */
export function listenFds(env: NodeJS.ProcessEnv = process.env): ListenFds | undefined {
  const announced = /^[1-9]\d{0,5}$/.test(env['LISTEN_FDS'] ?? '') ? Number(env['LISTEN_FDS']) : 0
  const forUs = env['LISTEN_PID'] === undefined || env['LISTEN_PID'] === String(process.pid)
  if (announced === 0 || !forUs) return undefined
  let count = 0
  while (count < announced && wasHandedOver(3 + count)) count++
  return { count, env: [`LISTEN_FDS=${announced}`, 'LISTEN_PID=1'] }
}

function wasHandedOver(fd: number): boolean {
  try {
    return /^(socket:|\/)/.test(readlinkSync(`/proc/self/fd/${fd}`))
  } catch {
    return false // nothing is open there
  }
}
