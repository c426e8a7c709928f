import type { UserNamespaceOption } from '@ctr/runtime'
import { usageError } from '../errors.js'

/** User whose subordinate ids Docker takes by default. */
const defaultUser = 'dockremap'

/** The user namespace, as it was typed. */
export interface UserNamespaceFlags {
  readonly userns?: string | undefined
  readonly uidmap?: readonly string[] | undefined
  readonly gidmap?: readonly string[] | undefined
}

/**
 * Reads `--userns`: `host`, `auto`, `auto:size=N`, `remap` and `remap:USER`; and Podman's `--uidmap` and `--gidmap`, each
 * of which stands for both where the other is missing.
 */
export function parseUserNamespace(flags: UserNamespaceFlags): UserNamespaceOption | undefined {
  const { userns, uidmap, gidmap } = flags
  const uid = uidmap ?? gidmap
  const gid = gidmap ?? uidmap
  if (uid !== undefined && gid !== undefined) {
    if (userns !== undefined) throw usageError('--userns does not go together with --uidmap and --gidmap')
    return { uid: uid.map(parseMapping), gid: gid.map(parseMapping) }
  }
  if (userns === undefined || userns === 'host' || userns === 'auto') return userns
  const size = /^auto:size=(\d+)$/.exec(userns)?.[1]
  if (size !== undefined) return { size: Number(size) }
  const [mode, user, ...rest] = userns.split(':')
  if (mode === 'remap' && user !== '' && rest.length === 0) return remapOf(user ?? 'default')
  throw usageError(`invalid --userns "${userns}": host, auto, auto:size=N, remap and remap:USER are there`)
}

/** The ids of a user in `/etc/subuid`; `default` is Docker's. */
export function remapOf(user: string): UserNamespaceOption {
  return { user: user === 'default' ? defaultUser : user }
}

/** Reads `CONTAINER:HOST[:COUNT]`. */
function parseMapping(text: string): { inside: number; outside: number; size: number } {
  const match = /^(\d{1,10}):(\d{1,10})(?::(\d{1,10}))?$/.exec(text)
  if (match === null)
    throw usageError(`invalid map of ids "${text}": it is CONTAINER:HOST:COUNT, such as 0:100000:65536`)
  return { inside: Number(match[1]), outside: Number(match[2]), size: Number(match[3] ?? 1) }
}
