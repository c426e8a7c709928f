import type { ContainerLimits } from '@ctr/runtime'
import { ApiError, badRequest } from '../errors.js'
import type { HostConfig, UpdateBody } from '../http/schemas/create-container.js'
import { checkLimits } from './check-limits.js'
import { furtherLimits, limitsOf } from './limits.js'

const policies = ['', 'no', 'always', 'on-failure', 'unless-stopped']

/**
 * The `HostConfig` of a container after an update, and its limits where one changes. As Docker: what is missing, empty
 * or zero stays as it was.
 *
 * @throws `ApiError` 400, 409 in Docker's words.
 */
export function updatedHost(
  before: HostConfig,
  change: UpdateBody,
  id: string,
): { readonly host: HostConfig; readonly limits: ContainerLimits | undefined } {
  const given = Object.fromEntries(Object.entries(change).filter(([, value]) => isSet(value))) as UpdateBody
  const { RestartPolicy: policy, ...limits } = given
  if (policy != null) checkPolicy(before, policy, id)
  const { Memory, MemorySwap } = given
  const swap = MemorySwap ?? before.MemorySwap ?? 0
  if (Memory != null && swap > 0 && Memory > swap) {
    throw badRequest(
      MemorySwap == null
        ? `Cannot update container ${id}: Memory limit should be smaller than already set memoryswap limit, update the memoryswap at the same time`
        : 'Minimum memoryswap limit should be larger than memory limit, see usage',
    )
  }
  const host: HostConfig = { ...before, ...given }
  checkLimits(host)
  const changes = Object.keys(limits).length > 0
  if (!changes) return { host, limits: undefined }
  const unlimited = {
    ...(host.PidsLimit != null && host.PidsLimit < 0 ? { pids: 'max' as const } : {}),
    ...(host.MemorySwap === -1 ? { memorySwap: 'max' as const } : {}),
  }
  return { host, limits: { ...limitsOf(host), ...unlimited, resources: furtherLimits(host) } }
}

function checkPolicy(before: HostConfig, policy: NonNullable<UpdateBody['RestartPolicy']>, id: string): void {
  const name = policy.Name ?? ''
  if (!policies.includes(name)) {
    throw badRequest(
      `invalid restart policy: unknown policy '${name}'; use one of 'no', 'always', 'on-failure', or 'unless-stopped'`,
    )
  }
  if (before.AutoRemove === true && name !== '' && name !== 'no') {
    throw new ApiError(
      409,
      `Cannot update container ${id}: Restart policy cannot be updated because AutoRemove is enabled for the container`,
    )
  }
}

/** Docker's clients send `{}`, `{"Name": ""}` and empty lists for what is not asked for. */
function isSet(value: unknown): boolean {
  if (value === undefined || value === null || value === 0 || value === '') return false
  return typeof value !== 'object' || Object.values(value).some(isSet)
}
