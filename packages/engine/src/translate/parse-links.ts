import { badRequest } from '../errors.js'
import type { CreateBody } from '../http/schemas/create-container.js'

/** Another container, and the name by which it is known. */
export interface Link {
  readonly name: string
  readonly alias: string
}

/** The links of a container on the default bridge. */
export function linksOf({ HostConfig }: CreateBody): readonly Link[] {
  return isOnDefault(HostConfig) ? (HostConfig?.Links ?? []).map(linkOf) : []
}

/** The links that are names on the container's first network, which somebody has made. */
export function namesByLinks({ HostConfig }: CreateBody): readonly Link[] {
  return isOnDefault(HostConfig) ? [] : (HostConfig?.Links ?? []).map(linkOf)
}

function isOnDefault(host: CreateBody['HostConfig']): boolean {
  return ['', 'default', 'bridge'].includes(host?.NetworkMode ?? '')
}

/** Reads `NAME[:ALIAS]`. */
export function linkOf(text: string): Link {
  const [, name, alias = name] = /^\/?([\w.-]+)(?::([\w.-]+))?$/.exec(text) ?? []
  if (name === undefined || alias === undefined)
    throw badRequest(`invalid link ${JSON.stringify(text)}: it must be NAME:ALIAS`)
  return { name, alias }
}
