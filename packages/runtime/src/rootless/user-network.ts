import {
  accessSync,
  constants,
  existsSync,
  openSync,
  closeSync,
  readFileSync,
  rmSync,
  writeSync,
} from 'node:fs'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import type { PortMapping, PublishedPort } from '@ctr/netbridge'
import { RuntimeError } from '../errors.js'
import { choosePort } from './choose-port.js'

/** Programs that connect a network namespace to the host's network without privileges. */
export type UserNetwork = 'pasta' | 'slirp4netns'

/** Address that name servers of the host itself are reached at from a container. */
export const dnsAddress = { pasta: '169.254.1.1', slirp4netns: '10.0.2.3' } as const

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

/** What to connect, and where to note it. */
export interface AttachOptions {
  readonly program: UserNetwork
  /** A process in the network namespace, which waits meanwhile. */
  readonly pid: number
  /** The program's process id is written to this file. */
  readonly pidFile: string
  readonly publish: readonly PortMapping[]
  /** Lead {@link dnsAddress} to the host's own name servers. */
  readonly forwardDns: boolean
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

async function attachPasta(
  { pid, pidFile, forwardDns }: AttachOptions,
  ports: readonly PublishedPort[],
): Promise<void> {
  const spec = (wanted: string): string[] => {
    const flag = wanted === 'tcp' ? '-t' : '-u'
    const specs = ports
      .filter(({ protocol }) => protocol === wanted)
      .map(({ host, container, hostIp }) => `${hostIp === '0.0.0.0' ? '' : `${hostIp}/`}${host}:${container}`)
    return specs.length === 0 ? [flag, 'none'] : specs.flatMap((each) => [flag, each])
  }
  const args = [
    ...['--config-net', '--quiet', '--no-map-gw', '--ns-ifname', 'eth0', '--pid', pidFile],
    ...[...spec('tcp'), ...spec('udp'), '-T', 'none', '-U', 'none'],
    ...(forwardDns ? ['--dns-forward', dnsAddress.pasta] : []),
    String(pid),
  ]
  const { failed, said } = await run(findProgram('pasta')!, args)
  if (failed) throw refusal('pasta', said, ports)
}

/** slirp4netns(1) does not go into the background itself: it says by a descriptor when it is ready. */
async function attachSlirp({ pid, pidFile }: AttachOptions, ports: readonly PublishedPort[]): Promise<void> {
  if (ports.length > 0) {
    throw new RuntimeError(
      'ERR_RUNTIME_INVALID_ARG',
      'cannot publish ports by slirp4netns: install pasta (package passt) for that',
    )
  }
  const args = ['--configure', '--mtu=65520', '--disable-host-loopback', '--ready-fd=3', String(pid), 'eth0']
  const note = openSync(pidFile, 'w', 0o600)
  try {
    const { spawn } = process.getBuiltinModule('node:child_process')
    const child = spawn(findProgram('slirp4netns')!, args, {
      detached: true,
      stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
      argv0: `slirp4netns ${pidFile}`,
    })
    const said: Buffer[] = []
    child.stderr!.on('data', (piece: Buffer) => said.push(piece))
    const ready = once(child.stdio[3]!, 'data').then(() => true)
    const ended = once(child, 'exit').then(() => false)
    if (!(await Promise.race([ready, ended])))
      throw refusal('slirp4netns', Buffer.concat(said).toString(), [])
    writeSync(note, String(child.pid))
    child.unref()
    for (const stream of [child.stderr, child.stdio[3]])
      (stream as unknown as { unref(): void; destroy(): void }).destroy()
  } finally {
    closeSync(note)
  }
}

/** Ends the program of a container. Idempotent; a process of another program is left alone. */
export async function detachUserNetwork(pidFile: string): Promise<void> {
  const pid = runningProgram(pidFile)
  if (pid !== undefined) {
    process.kill(pid, 'SIGTERM')
    for (let tries = 0; tries < 100 && runningProgram(pidFile) !== undefined; tries++) await sleep(5)
    if (runningProgram(pidFile) !== undefined) process.kill(pid, 'SIGKILL')
  }
  rmSync(pidFile, { force: true })
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

function run(
  file: string,
  args: readonly string[],
): Promise<{ readonly failed: boolean; readonly said: string }> {
  // loaded with the first network: nobody else needs it
  const { execFile } = process.getBuiltinModule('node:child_process')
  return new Promise((resolve) => {
    execFile(file, args, { timeout: 30_000 }, (error, _stdout, stderr) => {
      resolve({ failed: error !== null, said: stderr.trim() })
    })
  })
}

function refusal(program: string, said: string, ports: readonly PublishedPort[]): RuntimeError {
  const words = said
    .split('\n')
    .filter((line) => !line.startsWith('Failed to send ')) // to a system log that is not there
    .join('; ')
  const isTaken = ports.length > 0 && /bind|in use/i.test(words)
  const list = ports.map(({ host, protocol }) => `${host}/${protocol}`).join(', ')
  return new RuntimeError(
    isTaken ? 'ERR_RUNTIME_PORT_TAKEN' : 'ERR_RUNTIME_START',
    isTaken
      ? `cannot publish ${list}: address already in use, or a port below net.ipv4.ip_unprivileged_port_start (${words})`
      : `cannot connect the network by ${program}: ${words === '' ? 'it failed' : words}`,
  )
}

/** Path of a program in `PATH`, or where distributions have it. */
function findProgram(name: string, path = process.env['PATH'] ?? ''): string | undefined {
  const folders = [...path.split(':').filter((folder) => folder.startsWith('/')), '/usr/bin', '/usr/sbin']
  return folders.map((folder) => `${folder}/${name}`).find((file) => existsSync(file))
}
