import type { RunOptions } from '@ctr/runtime'
import { needsRuntime } from '../../errors.js'
import { parseDuration } from '../../options/parse-duration.js'
import { joinedStreams } from '../../options/join-flags.js'
import { parseExpose } from '../../options/parse-expose.js'
import { parseInteger } from '../../options/parse-number.js'
import type { RunFlags } from '../../options/run-flags.js'
import type { CreateRequest } from '../create-request.js'
import { endpointBody } from './endpoint-body.js'
import { attachmentsOf, hostConfigOf } from './host-config.js'
import { set } from './set.js'

/**
 * The body of `POST /containers/create`: what the engine reads back into the runtime's options.
 *
 * @throws `CliError` `ERR_CLI_NEEDS_RUNTIME`: a flag that a daemon has no word for.
 */
export function createBody(request: CreateRequest): Record<string, unknown> {
  const { flags, options } = request
  refuseRuntimeFlags(flags)
  const { detach = false, interactive = false, tty = false } = flags
  const joined: ReadonlySet<string> = detach ? new Set() : joinedStreams(flags)
  return {
    Image: options.image,
    ...set({ Cmd: options.command, Entrypoint: flags.entrypoint === '' ? [''] : options.entrypoint }),
    Env: Object.entries(options.env ?? {}).map((pair) => pair.join('=')),
    Labels: options.labels,
    Tty: tty,
    OpenStdin: interactive,
    StdinOnce: interactive && !detach,
    AttachStdin: joined.has('stdin'),
    AttachStdout: joined.has('stdout'),
    AttachStderr: joined.has('stderr'),
    ...set({
      Hostname: options.hostname,
      Domainname: options.domainname,
      User: options.user,
      WorkingDir: options.cwd,
      StopSignal: options.stopSignal,
      StopTimeout:
        flags.stopTimeout === undefined ? undefined : parseInteger(flags.stopTimeout, '--stop-timeout'),
      Healthcheck: healthcheckOf(flags),
    }),
    ...exposed(flags, options),
    ...anonymousVolumes(flags, options),
    HostConfig: hostConfigOf(request),
    ...endpointsOf(options),
  }
}

function refuseRuntimeFlags(flags: RunFlags): void {
  const own = {
    '--explain': flags.explain,
    '--rootfs': flags.rootfs,
    '--uidmap': flags.uidmap,
    '--gidmap': flags.gidmap,
    '--userns': flags.userns === 'host' ? undefined : flags.userns,
  }
  const given = Object.entries(own).find(([, value]) => value !== undefined)
  if (given !== undefined) throw needsRuntime(`serve ${given[0]}`)
}

function healthcheckOf(flags: RunFlags): object | undefined {
  if (!flags.healthcheck) return { Test: ['NONE'] }
  const nanoseconds = (text: string | undefined, option: string): number | undefined =>
    text === undefined ? undefined : parseDuration(text, option) * 1e6
  const { healthCmd, healthRetries } = flags
  const check = set({
    Test: healthCmd === undefined ? undefined : ['CMD-SHELL', healthCmd],
    Interval: nanoseconds(flags.healthInterval, '--health-interval'),
    Timeout: nanoseconds(flags.healthTimeout, '--health-timeout'),
    StartPeriod: nanoseconds(flags.healthStartPeriod, '--health-start-period'),
    StartInterval: nanoseconds(flags.healthStartInterval, '--health-start-interval'),
    Retries: healthRetries === undefined ? undefined : parseInteger(healthRetries, '--health-retries'),
  })
  return Object.keys(check).length === 0 ? undefined : check
}

function exposed({ expose = [] }: RunFlags, { publish = [] }: RunOptions): object {
  const ports = [
    ...publish.map(({ container, protocol = 'tcp' }) => `${container}/${protocol}`),
    ...expose.flatMap(parseExpose),
  ]
  return ports.length === 0 ? {} : { ExposedPorts: Object.fromEntries(ports.map((port) => [port, {}])) }
}

/** `-v /CONTAINER`: a volume without a name. */
function anonymousVolumes({ volume = [] }: RunFlags, { volumes = [] }: RunOptions): object {
  const targets = volumes
    .slice(0, volume.length) // those of --mount follow
    .filter((one) => one.source === undefined && one.volume === undefined)
    .map(({ target }) => [target, {}] as const)
  return targets.length === 0 ? {} : { Volumes: Object.fromEntries(targets) }
}

function endpointsOf(options: RunOptions): object {
  const all = attachmentsOf(options)
  if (all.some(({ bandwidth }) => bandwidth !== undefined))
    throw needsRuntime('limit how fast a container sends and receives')
  const endpoints = all
    .filter(({ name }) => name !== 'host' && name !== 'none' && !name.startsWith('container:'))
    .map(({ name, ...place }) => [name, endpointBody(place)] as const)
  return endpoints.length === 0
    ? {}
    : { NetworkingConfig: { EndpointsConfig: Object.fromEntries(endpoints) } }
}
