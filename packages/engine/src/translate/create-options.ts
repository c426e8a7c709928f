import type { StoredImage } from '@ctr/registry'
import type { CreateContainerOptions, Volume } from '@ctr/runtime'
import { badRequest } from '../errors.js'
import type { CreateBody } from '../http/schemas/create-container.js'
import { namesOf, networkOption } from './container-network.js'
import { limitsOf } from './limits.js'
import { portMappings } from './ports.js'
import { sandboxOf } from './sandbox.js'
import { securityOf } from './security.js'
import { storageOf } from './storage.js'
import { refuseUnsupported } from './unsupported.js'
import { volumesOf } from './volumes.js'
import { wordsOf } from './words.js'

/** What the runtime is to make, from the body of `POST /containers/create`. */
export function createOptions(
  body: CreateBody,
  image: StoredImage,
  {
    id,
    name,
    volumes,
  }: {
    readonly id: string
    readonly name: string
    /** Those of other containers. */
    readonly volumes: readonly Volume[]
  },
): CreateContainerOptions {
  refuseUnsupported(body)
  const host = body.HostConfig ?? {}
  const network = networkOption(body)
  const entrypoint = wordsOf(body.Entrypoint)
  return {
    id,
    name,
    image: body.Image,
    command: wordsOf(body.Cmd),
    // an empty one takes the image's away; Docker's client sends [""] for that
    entrypoint: entrypoint?.length === 1 && entrypoint[0] === '' ? [] : entrypoint,
    ...envOf(body.Env ?? []),
    cwd: orUnset(body.WorkingDir),
    user: orUnset(body.User),
    hostname: orUnset(body.Hostname),
    labels: body.Labels ?? {},
    stopSignal: orUnset(body.StopSignal),
    terminal: body.Tty ?? false,
    volatile: host.AutoRemove ?? false, // after a crash of the machine it would only be removed
    network,
    // host, none and that of another container have no ports of their own
    publish: typeof network === 'string' ? [] : portMappings(body, image.config.config.ExposedPorts ?? []),
    ...namesOf(body),
    volumes: volumesOf(body, volumes),
    capAdd: host.CapAdd ?? [],
    capDrop: host.CapDrop ?? [],
    readOnly: host.ReadonlyRootfs ?? false,
    sysctls: host.Sysctls ?? {},
    shmSize: orUnset(host.ShmSize),
    storage: storageOf(host.StorageOpt, 'HostConfig.StorageOpt'),
    ...securityOf(host.SecurityOpt ?? []),
    cgroupParent: orUnset(host.CgroupParent),
    ...limitsOf(host),
    ...sandboxOf(body),
  }
}

/** Docker writes empty strings and zeros for what is not set. */
function orUnset<T extends string | number>(value: T | null | undefined): T | undefined {
  return value === null || value === '' || value === 0 ? undefined : value
}

/** Names alone take variables away: clients send them for `-e NAME` where their own user has none of that name. */
function envOf(lines: readonly string[]): Pick<CreateContainerOptions, 'env' | 'unsetEnv'> {
  const env = new Map<string, string | undefined>()
  for (const line of lines) {
    const at = line.indexOf('=')
    if (at === 0) throw badRequest(`invalid environment variable in Env: ${JSON.stringify(line)}`)
    env.set(at < 0 ? line : line.slice(0, at), at < 0 ? undefined : line.slice(at + 1))
  }
  const set = [...env].filter((pair): pair is [string, string] => pair[1] !== undefined)
  const unset = [...env].filter(([, value]) => value === undefined)
  return { env: Object.fromEntries(set), unsetEnv: unset.map(([name]) => name) }
}
