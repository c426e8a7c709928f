import { isRuntimeError } from '../../errors.js'
import { parseCapability, type Capability } from '../../security/capability.js'
import type { ConfigCapabilities, ConfigProcess, ConfigUser } from '../config/config-process.js'
import type { Options, Values } from './options.js'
import { usageError } from './usage-error.js'
import { parseInteger } from './values/parse-integer.js'

/** Options that say in what the program of `exec` differs from the container's own. */
export const execProcessOptions = {
  cwd: { type: 'string', value: 'DIR', help: 'working directory in the container' },
  env: { type: 'list', short: 'e', value: 'NAME=VALUE', help: 'environment variable; may be repeated' },
  tty: { type: 'boolean', short: 't', help: 'give it a terminal' },
  user: { type: 'string', short: 'u', value: 'UID[:GID]', help: 'user and group, by number' },
  'additional-gids': { type: 'list', short: 'g', value: 'GID', help: 'supplementary group; may be repeated' },
  'process-label': { type: 'string', value: 'LABEL', help: 'SELinux label' },
  apparmor: { type: 'string', value: 'PROFILE', help: 'AppArmor profile' },
  'no-new-privs': { type: 'boolean', help: 'executing files gives no privileges; =false takes it back' },
  cap: { type: 'list', short: 'c', value: 'NAME', help: 'capability to add; may be repeated' },
} as const satisfies Options

const largestId = 2 ** 32 - 2

/**
 * The process that `exec` runs when it is described by options: as the container's own, with what they change.
 *
 * @param own - The container's own process; a container without one has nothing to begin from.
 * @param warn - Told of capabilities that there are not. As those of a config they are left out.
 * @throws {@link RuntimeError} `ERR_RUNTIME_INVALID_ARG`.
 */
export function execProcess(
  own: ConfigProcess | undefined,
  args: readonly string[],
  values: Values<typeof execProcessOptions>,
  warn: (message: string) => void = () => undefined,
): ConfigProcess {
  if (args.length === 0 || args[0] === '') throw usageError('exec args cannot be empty')
  if (own === undefined) {
    throw usageError("the container's config has no process: describe the one to run by --process FILE")
  }
  return {
    ...own,
    args,
    cwd: values.cwd ?? own.cwd,
    env: [...(own.env ?? []), ...(values.env ?? []).map(variable)],
    terminal: values.tty ?? false,
    user: userOf(own.user, values),
    apparmorProfile: values.apparmor ?? own.apparmorProfile,
    selinuxLabel: values['process-label'] ?? own.selinuxLabel,
    noNewPrivileges: values['no-new-privs'] ?? own.noNewPrivileges,
    capabilities: withCapabilities(own.capabilities, known(values.cap ?? [], warn)),
  }
}

function variable(text: string): string {
  if (/^[^=]+=/.test(text)) return text
  throw usageError(`invalid value for env: must be NAME=VALUE, got ${text}`)
}

function userOf(
  own: ConfigUser,
  { user, 'additional-gids': groups = [] }: Values<typeof execProcessOptions>,
): ConfigUser {
  const [uid, gid] = user?.split(':', 2) ?? []
  return {
    ...own,
    uid: uid === undefined ? own.uid : parseId('user', uid),
    gid: gid === undefined ? own.gid : parseId('user', gid),
    additionalGids: [
      ...(own.additionalGids ?? []),
      ...groups.map((text) => parseId('additional-gids', text)),
    ],
  }
}

function parseId(option: string, text: string): number {
  return parseInteger(option, text, { min: 0, max: largestId })
}

function known(texts: readonly string[], warn: (message: string) => void): Capability[] {
  return texts.flatMap((text) => {
    try {
      return parseCapability(text)
    } catch (error) {
      if (!isRuntimeError(error)) throw error
      warn(`ignoring unknown capability ${JSON.stringify(text)}`)
      return []
    }
  })
}

/** Ambient capabilities are inheritable ones: they are only added where the config has any of those. */
function withCapabilities(
  own: ConfigCapabilities | undefined,
  names: readonly Capability[],
): ConfigCapabilities | undefined {
  if (names.length === 0) return own
  const and = (set: ConfigCapabilities['bounding']): ConfigCapabilities['bounding'] => [
    ...new Set([...(set ?? []), ...names]),
  ]
  return {
    ...own,
    bounding: and(own?.bounding),
    effective: and(own?.effective),
    permitted: and(own?.permitted),
    ...(own?.inheritable === undefined ? {} : { ambient: and(own.ambient) }),
  }
}
