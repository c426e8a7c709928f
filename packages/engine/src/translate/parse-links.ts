import { badRequest } from '../errors.js'
import type { CreateBody } from '../http/schemas/create-container.js'

/** Another container, and the name by which it is known. */
export interface Link {
  readonly name: string
  readonly alias: string
}

/** The links of `HostConfig` and of the container's networks: `NAME[:ALIAS]`. */
export function linksOf({ HostConfig, NetworkingConfig }: CreateBody): readonly Link[] {
  const endpoints = Object.values(NetworkingConfig?.EndpointsConfig ?? {})
  const texts = [...(HostConfig?.Links ?? []), ...endpoints.flatMap((endpoint) => endpoint?.Links ?? [])]
  return texts.map(linkOf)
}

/** Reads `NAME[:ALIAS]`. */
export function linkOf(text: string): Link {
  const [, name, alias = name] = /^\/?([\w.-]+)(?::([\w.-]+))?$/.exec(text) ?? []
  if (name === undefined || alias === undefined)
    throw badRequest(`invalid link ${JSON.stringify(text)}: it must be NAME:ALIAS`)
  return { name, alias }
}
