import type { StartContainerOptions } from '@ctr/runtime'
import type { ManagedContainer } from '../containers/managed-container.js'
import { ApiError } from '../errors.js'
import { linksOf } from './parse-links.js'

/**
 * What a container is started with for its links: variables and addresses, as they are at this moment.
 *
 * @throws `ApiError` 404; 409: the other one does not run, or is on no network of the container's.
 */
export function linkedNames(
  container: ManagedContainer,
  find: (name: string) => ManagedContainer,
): Pick<StartContainerOptions, 'env' | 'extraHosts'> {
  const env: Record<string, string> = {}
  const extraHosts: Record<string, string> = {}
  for (const { name, alias } of linksOf(container.document.body)) {
    const other = find(name)
    const address = sharedAddress(container, other)
    for (const host of [alias, other.handle.inspect().hostname, other.name]) extraHosts[host] = address
    Object.assign(env, variablesOf(container, other, alias, address))
  }
  return { env, extraHosts }
}

function sharedAddress(container: ManagedContainer, other: ManagedContainer): string {
  const own = container.handle.inspect().network.networks.map(({ name }) => name)
  const { networks } = other.handle.inspect().network
  const address = networks.find(({ name }) => own.includes(name))?.address
  if (other.isRunning && address != null) return address
  const why = other.isRunning ? 'it is on no network of this container' : 'it does not run'
  throw new ApiError(409, `Cannot link ${other.name} to ${container.name}: ${why}`)
}

/** Docker's variables about a linked container: its name, its ports, and its own environment. */
function variablesOf(
  container: ManagedContainer,
  other: ManagedContainer,
  alias: string,
  address: string,
): Record<string, string> {
  const prefix = alias.replaceAll('-', '_').toUpperCase()
  const { body } = other.document
  const ports = Object.keys(body.ExposedPorts ?? {})
    .map((text) => text.split('/'))
    .map(([port = '', protocol = 'tcp']) => ({ port, protocol }))
    .sort((a, b) => Number(a.port) - Number(b.port))
  const urls = ports.map(({ port, protocol }) => `${protocol}://${address}:${port}`)
  const ofPorts = ports.flatMap(({ port, protocol }, at) => {
    const name = `${prefix}_PORT_${port}_${protocol.toUpperCase()}`
    const parts = { '': urls[at]!, _ADDR: address, _PORT: port, _PROTO: protocol }
    return Object.entries(parts).map(([suffix, value]) => [`${name}${suffix}`, value])
  })
  const own = (body.Env ?? []).filter((line) => /^[^=]+=/.test(line) && !/^(HOME|PATH)=/.test(line))
  return {
    [`${prefix}_NAME`]: `/${container.name}/${alias}`,
    ...(urls[0] === undefined ? {} : { [`${prefix}_PORT`]: urls[0] }),
    ...(Object.fromEntries(ofPorts) as Record<string, string>),
    ...Object.fromEntries(
      own.map((line) => [`${prefix}_ENV_${line.split('=')[0]!}`, line.slice(line.indexOf('=') + 1)]),
    ),
  }
}
