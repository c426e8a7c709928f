import { badRequest } from '../errors.js'
import type { CreateBody } from '../http/schemas/create-container.js'

/**
 * Refuses what a container cannot have whose network is not its own.
 *
 * @throws `ApiError` 400 in Docker's words.
 */
export function checkNetworkMode(body: CreateBody): void {
  const { HostConfig: host = {}, Hostname, ExposedPorts } = body
  const { NetworkMode = '', Links, Dns, ExtraHosts, PortBindings, PublishAllPorts } = host ?? {}
  const hasLinks = (Links ?? []).length > 0
  if (NetworkMode === 'host' && hasLinks)
    throw conflict("host type networking can't be used with links. This would result in undefined behavior")
  if (NetworkMode?.startsWith('container:') !== true) return
  const found = [
    [Hostname != null && Hostname !== '', 'hostname and the network mode'],
    [hasLinks, "container type network can't be used with links. This would result in undefined behavior"],
    [(Dns ?? []).length > 0, 'dns and the network mode'],
    [(ExtraHosts ?? []).length > 0, 'custom host-to-IP mapping and the network mode'],
    [
      Object.keys(PortBindings ?? {}).length > 0 || PublishAllPorts === true,
      'port publishing and the container type network mode',
    ],
    [Object.keys(ExposedPorts ?? {}).length > 0, 'port exposing and the container type network mode'],
  ] as const
  const wrong = found.find(([is]) => is)
  if (wrong !== undefined) throw conflict(wrong[1])
}

function conflict(what: string): Error {
  return badRequest(`conflicting options: ${what}`)
}
