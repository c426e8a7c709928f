import { checkIdMaps, type IdMaps } from '@ctr/namespaces'
import { RuntimeError } from '../errors.js'

/**
 * The user namespace of a container that root starts:
 *
 * - `'host'`: none of its own. Root inside is root outside, held back by everything else.
 * - `'auto'`: one with 65536 ids that no other container has, from 0 on inside.
 * - `{ size }`: the same with so many ids.
 * - `{ user }`: one with the ids that `/etc/subuid` and `/etc/subgid` give to this user: what Docker's `userns-remap` is.
 *   All containers of one user have the same ids.
 * - maps: one with these, which must have an id for root inside.
 */
export type UserNamespaceOption =
  'host' | 'auto' | { readonly size: number } | { readonly user: string } | Pick<IdMaps, 'uid' | 'gid'>

/**
 * Checks what can be checked before anything is made.
 *
 * @throws {@link RuntimeError} `ERR_RUNTIME_INVALID_ARG`.
 */
export function checkUserNamespace(option: UserNamespaceOption): void {
  if (option === 'host' || option === 'auto') return
  if (typeof option !== 'object') throw invalid(`${JSON.stringify(option)} is none; host and auto are there`)
  if ('size' in option) {
    if (Number.isInteger(option.size) && option.size > 0 && option.size <= 2 ** 30) return
    throw invalid(`its size is ${option.size}, and must be a whole number from 1 to ${2 ** 30}`)
  }
  if ('user' in option) {
    if (/^[^:\s]+$/.test(option.user)) return
    throw invalid(`${JSON.stringify(option.user)} is no name of a user`)
  }
  try {
    checkIdMaps(option)
  } catch (cause) {
    throw invalid((cause as Error).message, cause)
  }
  for (const kind of ['uid', 'gid'] as const) {
    if (!option[kind].some(({ inside }) => inside === 0))
      throw invalid(`its ${kind}s have none for root inside`)
  }
}

function invalid(why: string, cause?: unknown): RuntimeError {
  return new RuntimeError('ERR_RUNTIME_INVALID_ARG', `cannot use the user namespace: ${why}`, { cause })
}
