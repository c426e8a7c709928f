import { accessSync, constants } from 'node:fs'
import type { PortMapping, PublishedPort } from '@ctr/netbridge'
import { RuntimeError } from '../errors.js'

/** Programs that connect a network namespace to the host's network without privileges. */
export type UserNetwork = 'pasta' | 'slirp4netns'

/** What to connect, and where to note it. */
export interface AttachOptions {
  readonly program: UserNetwork
  /** A process in the network namespace, which waits meanwhile. */
  readonly pid: number
  /** The program's process id is written to this file. */
  readonly pidFile: string
  readonly publish: readonly PortMapping[]
  /** Lead `dnsAddress` to the host's own name servers. */
  readonly forwardDns: boolean
}

/** The error of such a program, with what it said. */
export function refusal(program: string, said: string, ports: readonly PublishedPort[]): RuntimeError {
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
export function findProgram(name: UserNetwork, path = process.env['PATH'] ?? ''): string | undefined {
  const folders = [...path.split(':').filter((folder) => folder.startsWith('/')), '/usr/bin', '/usr/sbin']
  return folders.map((folder) => `${folder}/${name}`).find(isExecutable)
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}
