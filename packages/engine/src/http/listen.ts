import { once } from 'node:events'
import { chmodSync, chownSync, mkdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { connect } from 'node:net'
import { dirname } from 'node:path'
import type { FastifyInstance } from 'fastify'
import { badRequest } from '../errors.js'
import type { Host } from './hosts.js'

/**
 * Listens.
 *
 * @returns The address, with the port that was found where 0 was asked for.
 * @throws `ApiError`: a daemon listens there already. What listen(2) says.
 */
export async function listen(server: FastifyInstance, host: Host): Promise<string> {
  switch (host.kind) {
    case 'unix':
      await listenOnPath(server, host.path)
      return `unix://${host.path}`
    case 'tcp':
      return (await server.listen({ host: host.host, port: host.port })).replace(/^https?/, 'tcp')
    case 'fd':
      // not by Fastify, which wants to know an address that Node cannot tell
      server.server.listen({ fd: host.fd })
      await once(server.server, 'listening')
      return `fd://${host.fd}`
  }
}

/** A unix socket with mode 0660, of the group `docker` where there is one: who may connect is root on this host. */
async function listenOnPath(server: FastifyInstance, path: string): Promise<void> {
  mkdirSync(dirname(path), { recursive: true, mode: 0o711 })
  await removeDead(path)
  const before = process.umask(0o177) // nobody else may connect before the mode is set
  try {
    await server.listen({ path })
  } finally {
    process.umask(before)
  }
  const group = dockerGroup()
  if (group !== undefined && process.getuid?.() === 0) chownSync(path, 0, group)
  chmodSync(path, 0o660)
}

/** A daemon that was killed leaves its socket. */
async function removeDead(path: string): Promise<void> {
  if (statSync(path, { throwIfNoEntry: false })?.isSocket() !== true) return
  const answers = await new Promise<boolean>((resolve) => {
    const socket = connect(path, () => {
      socket.destroy()
      resolve(true)
    })
    socket.on('error', () => resolve(false))
  })
  if (answers) throw badRequest(`cannot listen on unix://${path}: another daemon does`)
  rmSync(path, { force: true })
}

function dockerGroup(): number | undefined {
  try {
    const id = /^docker:[^:]*:(\d+):/m.exec(readFileSync('/etc/group', 'utf8'))?.[1]
    return id === undefined ? undefined : Number(id)
  } catch {
    return undefined
  }
}
