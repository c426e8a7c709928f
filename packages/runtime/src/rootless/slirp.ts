import { closeSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import type { PublishedPort } from '@ctr/netbridge'
import { RuntimeError } from '../errors.js'
import { findProgram, refusal, type AttachOptions } from './network-program.js'

/**
 * Connects a network namespace by slirp4netns(1). It does not go into the background itself, says by a descriptor
 * when it is ready, and publishes ports when it is asked to by a socket.
 */
export async function attachSlirp(
  { pid, pidFile }: AttachOptions,
  ports: readonly PublishedPort[],
): Promise<void> {
  const program = findProgram('slirp4netns')
  if (program === undefined) throw invalid('cannot use network slirp4netns: it is not installed')
  const other = ports.find(({ hostIp }) => hostIp.includes(':'))
  if (other) throw invalid(`cannot publish at ${other.hostIp} by slirp4netns: it knows IPv4 only; use pasta`)
  const api = socketOf(pidFile)
  const args = [
    ...['--configure', '--mtu=65520', '--disable-host-loopback', '--ready-fd=3'],
    // its path is as short as that of a socket must be
    ...(ports.length > 0 ? [`--api-socket=${basename(api)}`] : []),
    ...[String(pid), 'eth0'],
  ]
  const { spawn } = process.getBuiltinModule('node:child_process')
  const child = spawn(program, args, {
    cwd: dirname(pidFile),
    detached: true,
    stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
    argv0: `slirp4netns ${pidFile}`,
  })
  try {
    // whoever undoes this start finds it by that
    if (child.pid !== undefined) writeFileSync(pidFile, String(child.pid), { mode: 0o600 })
    const said: Buffer[] = []
    child.stderr!.on('data', (piece: Buffer) => said.push(piece))
    const ready = once(child.stdio[3]!, 'data').then(() => true)
    const ended = once(child, 'exit').then(() => false)
    if (!(await Promise.race([ready, ended])))
      throw refusal('slirp4netns', Buffer.concat(said).toString(), [])
    for (const port of ports) await publish(api, port)
  } finally {
    rmSync(api, { force: true }) // nobody shall ask it for more
    child.unref()
    for (const stream of [child.stderr, child.stdio[3]]) (stream as { destroy(): void } | null)?.destroy()
  }
}

/** The socket that slirp4netns of a container is asked by, until its ports are published. */
export function socketOf(pidFile: string): string {
  return `${pidFile}.api`
}

/** Has slirp4netns publish a port. One question a connection; the answer ends it. */
async function publish(api: string, { protocol, hostIp, host, container }: PublishedPort): Promise<void> {
  const question = {
    execute: 'add_hostfwd',
    arguments: { proto: protocol, host_addr: hostIp, host_port: host, guest_port: container },
  }
  const { connect } = process.getBuiltinModule('node:net')
  const folder = openSync(dirname(api), 'r')
  let answer: string
  try {
    const socket = connect({ path: `/proc/self/fd/${folder}/${basename(api)}`, allowHalfOpen: true })
    socket.end(JSON.stringify(question))
    answer = await text(socket)
  } finally {
    closeSync(folder)
  }
  if (!answer.includes('"error"')) return
  throw refusal('slirp4netns', `bind: ${answer.trim()}`, [{ protocol, hostIp, host, container }])
}

function invalid(message: string): RuntimeError {
  return new RuntimeError('ERR_RUNTIME_INVALID_ARG', message)
}
