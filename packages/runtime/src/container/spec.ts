import { randomBytes } from 'node:crypto'
import { constants, hostname } from 'node:os'
import type { StoredImage } from '@ctr/registry'
import { readFileIn } from '@ctr/overlay'
import type { CapabilitySets, User } from '@ctr/namespaces'
import type { Context } from '../context.js'
import { RuntimeError } from '../errors.js'
import { checkRunOptions } from '../check-options.js'
import { isCopyOnWrite, type RunOptions } from '../options.js'
import { capabilityNumber, type Capability } from '../security/capability.js'
import { checkSeccompProfile } from '../security/check-seccomp-profile.js'
import { userNamespaceNeedsRoot } from '../rootless/limits.js'
import { withImageIds } from './image-volumes.js'
import { checkCgroupParent } from './cgroup-parent.js'
import { placeOf } from './place-of.js'
import { networkOf, type ResolvedNetwork } from './network-mode.js'
import { resolveCapabilities } from '../security/resolve-capabilities.js'
import { checkSandbox } from '../sandbox/sandbox-options.js'
import { apparmorEnabled } from '../oci/process/labels.js'
import { checkMounts, checkOverlays } from '../setup/kernel-needs.js'
import { resolveUser, type ResolvedUser } from '../user/resolve-user.js'
import type { UserNamespaceOption } from '../userns/option.js'
import type { ContainerRecord } from './record.js'
import { givenConfig } from './run-config.js'
import { seccompOf } from './seccomp.js'

/** A container that is to be made: its record, and what only its start needs. */
export interface ContainerSpec {
  readonly record: ContainerRecord
  readonly options: RunOptions
  readonly image: StoredImage | undefined
  /** The container as it was before, where it was created before it is started. */
  readonly kept?: ContainerRecord | undefined
  /** As the container, else the runtime, was told. */
  readonly userNamespace: UserNamespaceOption
}

const defaultPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/**
 * Works out what is to be run from options and image, by Docker's rules. Nothing is made.
 *
 * @throws {@link RuntimeError} `ERR_RUNTIME_INVALID_ARG`, `ERR_RUNTIME_IMAGE_NOT_FOUND`,
 *   `ERR_RUNTIME_NAME_TAKEN`, `ERR_RUNTIME_USER_NOT_FOUND`, `ERR_RUNTIME_SECCOMP`, `ERR_RUNTIME_UNSUPPORTED`.
 */
export async function resolveSpec(
  context: Context,
  given: RunOptions,
  id = randomBytes(32).toString('hex'),
): Promise<ContainerSpec> {
  checkRunOptions(given)
  const options = await withImageIds(context, given)
  checkMounts()
  if (options.image !== undefined || isCopyOnWrite(options)) checkOverlays()
  const image =
    options.image === undefined
      ? undefined
      : await context.images.get(options.image, { platform: options.platform })
  const config = image?.config.config ?? {}
  const name = options.name ?? id.slice(0, 12)
  checkName(context, options.name)
  const network = networkOf(context, options)
  const host = options.hostname ?? (options.uts === 'host' ? hostname() : defaultHostname(id, network))
  const capabilities = capabilitiesFor(context, options)
  const wanted = { user: options.user ?? config.User ?? '', groups: options.groups ?? [] }
  const user = await findUser(context, wanted, image, options.rootfs)
  const userNamespace = userNamespaceOf(context, options)
  if (options.cgroupParent !== undefined) checkCgroupParent(options.cgroupParent, context)
  checkSandbox(options, { ownUsers: userNamespace !== 'host' || context.rootless !== undefined })
  const terminal = options.terminal !== undefined && options.terminal !== false
  const record: ContainerRecord = {
    id,
    name,
    image: options.image ?? null,
    imageId: image?.id ?? null,
    rootfs: options.rootfs ?? null,
    rootId: null,
    command: commandOf(options, config.Entrypoint, config.Cmd),
    env: {
      HOME: user.home,
      ...without(options.unsetEnv ?? [], {
        PATH: defaultPath,
        HOSTNAME: host,
        ...(terminal ? { TERM: 'xterm' } : {}),
        ...parseEnv(config.Env ?? []),
      }),
      ...options.env,
    },
    cwd:
      options.cwd ?? (config.WorkingDir === undefined || config.WorkingDir === '' ? '/' : config.WorkingDir),
    user: userOf(context, user),
    capabilities: capabilitySets(capabilities, user.uid),
    noNewPrivileges: options.noNewPrivileges ?? false,
    seccomp: seccompProfileOf(options),
    apparmorProfile: profileOf(options),
    rlimits: options.rlimits ?? [],
    oomScoreAdj: options.oomScoreAdj ?? null,
    sharesProcesses: (options.pid ?? 'private') !== 'private',
    userNamespace: null,
    hostname: host,
    volumes: [],
    mounts: [],
    readOnlyRoot: options.readOnly ?? false,
    labels: { ...config.Labels, ...options.labels },
    terminal,
    detached: options.detach ?? false,
    autoRemove: options.autoRemove ?? false,
    stopSignal: signalNumber(options.stopSignal ?? config.StopSignal ?? 'SIGTERM'),
    network: networkRecord(network),
    limits: { memory: options.memory ?? null, cpus: options.cpus ?? null, pids: options.pids ?? null },
    given: givenConfig(options),
    createdAt: new Date().toISOString(),
    status: 'running',
    options: null,
    pid: null,
    startTicks: null,
    bootId: context.host.bootId,
    owner: context.owner.name,
    exit: null,
  }
  seccompOf(context, record) // says now what is wrong with its profile
  return { record, options, image, userNamespace }
}

function without(names: readonly string[], env: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !names.includes(name)))
}

function seccompProfileOf({ seccomp, privileged = false }: RunOptions): ContainerRecord['seccomp'] {
  if (typeof seccomp === 'object') return checkSeccompProfile(seccomp)
  return seccomp ?? (privileged ? 'unconfined' : 'default')
}

/** Where AppArmor is not there, nothing is confined anyway. */
function profileOf({ apparmorProfile }: RunOptions): string | undefined {
  if (apparmorProfile === undefined || apparmorEnabled()) return apparmorProfile
  if (apparmorProfile === 'unconfined') return undefined
  throw new RuntimeError(
    'ERR_RUNTIME_UNSUPPORTED',
    `cannot use AppArmor profile ${JSON.stringify(apparmorProfile)}: AppArmor is not enabled on this host`,
  )
}

function defaultHostname(id: string, { mode, container }: ResolvedNetwork): string {
  return mode === 'host' ? hostname() : (container?.hostname ?? id.slice(0, 12))
}

function networkRecord({ mode, attachments, container }: ResolvedNetwork): ContainerRecord['network'] {
  const networks = attachments.map((attachment, at) => ({
    ...placeOf(attachment, at),
    ...{ address: null, ipv6: null, mac: null },
  }))
  return { mode, networks, container: container?.id ?? null, address: null, ports: [], failure: null }
}

function userNamespaceOf(context: Context, options: RunOptions): UserNamespaceOption {
  const option = options.userNamespace ?? context.userNamespace
  if (context.rootless !== undefined && option !== 'host') throw userNamespaceNeedsRoot()
  const mapped = options.volumes?.find((volume) => volume.source !== undefined && volume.idmap === true)
  if (mapped === undefined || option !== 'host') return option
  throw new RuntimeError(
    'ERR_RUNTIME_INVALID_ARG',
    `cannot map the ids of ${mapped.source!}: the container needs a user namespace of its own, which root gives it by userNamespace`,
  )
}

/** Program and arguments from options and image. */
export function commandOf(
  { command, entrypoint }: RunOptions,
  imageEntrypoint: readonly string[] = [],
  imageCommand: readonly string[] = [],
): readonly string[] {
  // Docker's rule: an entrypoint of one's own takes the image's command away with the image's entrypoint
  const first = entrypoint ?? imageEntrypoint
  const rest = command ?? (entrypoint === undefined ? imageCommand : [])
  const all = [...first, ...rest]
  if (all.length === 0 || all[0] === '') {
    throw new RuntimeError(
      'ERR_RUNTIME_INVALID_ARG',
      'cannot run a container: there is no command, and the image names none',
    )
  }
  return all
}

/** Number of a signal by name, with or without `SIG`, or by number. */
export function signalNumber(signal: string | number): number {
  const text = String(signal)
  const upper = text.toUpperCase()
  const named = (constants.signals as Readonly<Record<string, number>>)[
    upper.startsWith('SIG') ? upper : `SIG${upper}`
  ]
  const number = named ?? (/^\d{1,2}$/.test(text) ? Number(text) : undefined)
  if (number === undefined || number < 1 || number > 64) {
    throw new RuntimeError(
      'ERR_RUNTIME_INVALID_ARG',
      `cannot use signal ${JSON.stringify(signal)}: there is none of that name or number`,
    )
  }
  return number
}

/**
 * Checks that no other container has a name.
 *
 * @throws {@link RuntimeError} `ERR_RUNTIME_NAME_TAKEN`.
 */
export function checkName(context: Context, name: string | undefined): void {
  if (name === undefined) return
  const other = context.records.idOf(name)
  if (other === undefined) return
  throw new RuntimeError(
    'ERR_RUNTIME_NAME_TAKEN',
    `cannot name a container ${name}: container ${other.slice(0, 12)} has that name; remove or rename it`,
  )
}

function capabilitiesFor(
  context: Context,
  { capAdd, capDrop, privileged = false }: RunOptions,
): readonly Capability[] {
  if (privileged) return context.host.capabilities
  const capabilities = resolveCapabilities({
    add: capAdd,
    drop: capDrop,
    available: context.host.capabilities,
  })
  // where no rule can limit which devices are used, none may be made
  return context.hasDeviceRules ? capabilities : capabilities.filter((name) => name !== 'CAP_MKNOD')
}

/** As Docker: root has its capabilities at once, others only through set-uid programs, up to the bounding set. */
export function capabilitySets(capabilities: readonly Capability[], uid: number): CapabilitySets {
  const bounding = capabilities.map((name) => capabilityNumber(name))
  const held = uid === 0 ? bounding : []
  return { bounding, effective: held, permitted: held, inheritable: [], ambient: [] }
}

function parseEnv(lines: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    lines
      .filter((line) => !line.includes('\0'))
      .map((line) => {
        const at = line.indexOf('=')
        return at < 0 ? [line, ''] : [line.slice(0, at), line.slice(at + 1)]
      }),
  )
}

function userOf({ rootless }: Context, { uid, gid, additionalGids }: ResolvedUser): User {
  const user = { uid, gid, groups: additionalGids }
  return rootless === undefined ? user : rootless.ids.userInside(user)
}

const users = new Map<string, ResolvedUser>()

/** A user by name or id, and groups beside its own. */
interface WantedUser {
  readonly user: string
  readonly groups: readonly string[]
}

/** Looks a user up in the root file system. What an image says never changes and is looked up once. */
async function findUser(
  context: Context,
  wanted: WantedUser,
  image: StoredImage | undefined,
  rootfs: string | undefined,
): Promise<ResolvedUser> {
  const key = image === undefined ? undefined : `${image.id} ${wanted.user} ${wanted.groups.join()}`
  const known = key === undefined ? undefined : users.get(key)
  if (known !== undefined) return known
  const found =
    image === undefined ? await lookUp(wanted, rootfs ?? '/') : await lookUpInImage(context, wanted, image)
  if (key !== undefined) {
    if (users.size > 256) users.clear()
    users.set(key, found)
  }
  return found
}

async function lookUpInImage(
  context: Context,
  wanted: WantedUser,
  image: StoredImage,
): Promise<ResolvedUser> {
  await context.images.unpack(image)
  using view = await context.layers.openView(image.layers.map(({ diffId }) => diffId))
  return await lookUp(wanted, view.number)
}

async function lookUp({ user, groups }: WantedUser, root: string | number): Promise<ResolvedUser> {
  const [passwd, group] = await Promise.all([
    readOptional(root, '/etc/passwd'),
    readOptional(root, '/etc/group'),
  ])
  return resolveUser(user, { passwd, group, additionalGroups: groups })
}

/** Many images have no such files; then only numbers can be used. */
async function readOptional(root: string | number, path: string): Promise<string> {
  try {
    return (await readFileIn(root, path, { maxBytes: 2 ** 20 })).toString('utf8')
  } catch (error) {
    if ((error as { code?: string }).code === 'ERR_OVERLAY_NOT_FOUND') return ''
    throw error
  }
}
