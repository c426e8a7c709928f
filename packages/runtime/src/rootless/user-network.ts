import { accessSync, constants, existsSync, readFileSync, rmSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { PublishedPort } from '@ctr/netbridge'
import { choosePort } from './choose-port.js'
import { findProgram, type AttachOptions, type UserNetwork } from './network-program.js'
import { attachPasta } from './pasta.js'
import { attachSlirp, socketOf } from './slirp.js'

/** What there is of user networks on this host. */
export interface FoundUserNetwork {
  /** The one to use; undefined where there is none. */
  readonly program: UserNetwork | undefined
  /** Why there is none, and what to do about it. */
  readonly reason: string | undefined
}

/** Looks for pasta(1), else slirp4netns(1). Both need `/dev/net/tun`. */
export function findUserNetwork(path = process.env['PATH'] ?? ''): FoundUserNetwork {
  const program = (['pasta', 'slirp4netns'] as const).find((name) => findProgram(name, path) !== undefined)
  if (program === undefined) {
    return {
      program,
      reason: 'neither pasta nor slirp4netns is installed: install passt (Debian, Ubuntu, Fedora)',
    }
  }
  try {
    accessSync('/dev/net/tun', constants.R_OK | constants.W_OK)
    return { program, reason: undefined }
  } catch {
    const reason = `${program} needs /dev/net/tun, which this user may not open: have root do chmod 666 /dev/net/tun`
    return { program: undefined, reason }
  }
}

/**
 * Connects a network namespace to the host's network. The program goes on in the background, also when this process
 * ends; {@link detachUserNetwork} ends it.
 *
 * Nothing of the host's loopback can be reached from inside but what is asked for: both programs lead there if one
 * lets them.
 *
 * @returns The ports as they are published.
 * @throws {@link RuntimeError} `ERR_RUNTIME_PORT_TAKEN`, `ERR_RUNTIME_START` with what the program says.
 */
export async function attachUserNetwork(options: AttachOptions): Promise<readonly PublishedPort[]> {
  const ports = await Promise.all(options.publish.map(choosePort))
  if (options.program === 'pasta') await attachPasta(options, ports)
  else await attachSlirp(options, ports)
  return ports
}

/** Ends the program of a container. Idempotent; a process of another program is left alone. */
export async function detachUserNetwork(pidFile: string): Promise<void> {
  const pid = runningProgram(pidFile)
  if (pid !== undefined) {
    process.kill(pid, 'SIGTERM')
    for (let tries = 0; tries < 100 && runningProgram(pidFile) !== undefined; tries++) await sleep(5)
    if (runningProgram(pidFile) !== undefined) process.kill(pid, 'SIGKILL')
  }
  for (const file of [pidFile, socketOf(pidFile)]) rmSync(file, { force: true })
}

/** Process id of the program, as long as it runs: its command line names the file. */
export function runningProgram(pidFile: string): number | undefined {
  if (!existsSync(pidFile)) return undefined
  const pid = Number(readFileSync(pidFile, 'utf8').trim())
  if (!Number.isInteger(pid) || pid < 2) return undefined
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(pidFile) ? pid : undefined
  } catch {
    return undefined // it has ended
  }
}
