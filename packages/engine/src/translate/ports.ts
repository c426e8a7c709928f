import type { RunOptions } from '@ctr/runtime'
import { badRequest } from '../errors.js'
import type { CreateBody } from '../http/schemas/create-container.js'

type PortMapping = NonNullable<RunOptions['publish']>[number]
type Protocol = 'tcp' | 'udp' | 'sctp'

/** A port of a container as Docker writes it: `80/tcp`. */
export function parsePort(
  text: string,
  field: string,
): { readonly port: number; readonly protocol: Protocol } {
  const [, digits, protocol = 'tcp'] = /^(\d{1,5})(?:\/(tcp|udp|sctp))?$/.exec(text) ?? []
  const port = Number(digits)
  if (digits === undefined || port < 1 || port > 65535)
    throw badRequest(
      `invalid port ${JSON.stringify(text)} in ${field}: it must be 1-65535, with /tcp, /udp or /sctp`,
    )
  return { port, protocol: protocol as Protocol }
}

/** Ports that are to be published. */
export function portMappings(body: CreateBody, exposedByImage: readonly string[]): readonly PortMapping[] {
  const bindings = body.HostConfig?.PortBindings ?? {}
  const asked = Object.entries(bindings).flatMap(([key, list]) => {
    const { port, protocol } = parsePort(key, 'HostConfig.PortBindings')
    // an empty list asks for any port
    return (list ?? []).concat(list?.length === 0 ? [{}] : []).map(({ HostIp, HostPort }): PortMapping => ({
      container: port,
      protocol,
      ...hostPorts(HostPort ?? ''),
      ...(HostIp == null || HostIp === '' || HostIp === '::' ? {} : { hostIp: HostIp }),
    }))
  })
  if (body.HostConfig?.PublishAllPorts !== true) return asked
  const exposed = [...Object.keys(body.ExposedPorts ?? {}), ...exposedByImage]
  const free = [...new Set(exposed)]
    .map((text) => parsePort(text, 'ExposedPorts'))
    .filter(({ port, protocol }) => !asked.some((one) => one.container === port && one.protocol === protocol))
  return [
    ...asked,
    ...free.map(({ port, protocol }): PortMapping => ({ container: port, protocol, host: 0 })),
  ]
}

/** `8080`, or the first free one of `8000-8010`; none or 0 is any. */
function hostPorts(text: string): Pick<PortMapping, 'host' | 'hostTo'> {
  const [, first = '0', last] = /^(?:(\d{1,5})(?:-(\d{1,5}))?)?$/.exec(text) ?? [undefined, 'x']
  const [host, hostTo] = [Number(first), last === undefined ? undefined : Number(last)]
  const isRange = hostTo === undefined || (host > 0 && hostTo >= host && hostTo <= 65535)
  if (!(host <= 65535) || !isRange)
    throw badRequest(
      `invalid port ${JSON.stringify(text)} in HostConfig.PortBindings: it must be 0-65535, or two of them with "-"`,
    )
  return hostTo === undefined ? { host } : { host, hostTo }
}
