import { rlimitType } from '@ctr/namespaces'
import type { ProcessLimit } from './sandbox-options.js'

/**
 * A limit of processes as Docker writes it: a name of ulimit(1) in small letters, such as `nofile`, and -1 for no limit.
 *
 * @returns Undefined where there is no limit of this name.
 */
export function processLimit(name: string, soft: number, hard: number): ProcessLimit | undefined {
  const type = rlimitType(name)
  return type === undefined ? undefined : { type, soft: valueOf(soft), hard: valueOf(hard) }
}

function valueOf(value: number): number | 'unlimited' {
  return value === -1 ? 'unlimited' : value
}
