import { chmodSync, chownSync, mkdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { connect } from 'node:net'
import { dirname } from 'node:path'
import type { FastifyInstance } from 'fastify'
import { badRequest } from '../errors.js'

/**
 * Listens on a unix socket with mode 0660, of the group `docker` where there is one: who may connect is root on this host.
 *
 * @param host - `unix:///path.sock`.
 * @throws `ApiError`: another kind of address, or a daemon listens there already.
 */
export async function listen(server: FastifyInstance, host: string): Promise<void> {
  const [, path] = /^unix:\/\/(\/.+)$/.exec(host) ?? []
  if (path === undefined) throw badRequest(`cannot listen on ${host}: only unix:///path.sock is supported`)
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
