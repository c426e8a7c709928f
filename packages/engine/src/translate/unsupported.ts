import { badRequest } from '../errors.js'
import type { CreateBody, UpdateBody } from '../http/schemas/create-container.js'

/** Names of the runtime: its own, and those by which clients ask for what Docker has unless told otherwise. */
export const runtimeNames = ['ctr', 'runc', 'io.containerd.runc.v2'] as const

/** Limits that only Windows has. */
const ofWindows = ['CpuCount', 'CpuPercent', 'IOMaximumBandwidth', 'IOMaximumIOps'] as const

/** Members of `HostConfig` that change what a container may do or see, and that are not there. */
const refused = ['Cgroup', 'DeviceRequests', ...ofWindows] as const

/** Those that may have these values, which are what a container has anyway. */
const allowed: Readonly<Record<string, readonly string[]>> = {
  Isolation: ['', 'default'],
  Runtime: ['', ...runtimeNames],
  UsernsMode: ['', 'host'],
  VolumeDriver: ['', 'local'],
}

/**
 * Refuses what would be left out silently: whoever asks for isolation, limits or devices is to know.
 *
 * @throws `ApiError` 400 that names the member.
 */
export function refuseUnsupported({ HostConfig }: CreateBody): void {
  const host = (HostConfig ?? {}) as Readonly<Record<string, unknown>>
  for (const name of refused) if (isSet(host[name])) throw unsupported(name, host[name])
  for (const [name, values] of Object.entries(allowed)) {
    const value = host[name]
    if (isSet(value) && !values.includes(value as string)) throw unsupported(name, value)
  }
}

/** Members of the API's resources that nobody changes while a container is there. */
const ofCreation = [
  ...ofWindows,
  ...['CgroupParent', 'DeviceCgroupRules', 'DeviceRequests', 'Devices', 'Init', 'KernelMemoryTCP'],
  ...['MemorySwappiness', 'OomKillDisable', 'Ulimits'],
]

/**
 * The same for `POST /containers/{id}/update`.
 *
 * @throws `ApiError` 400 that names the member.
 */
export function refuseUnchangeable(body: UpdateBody): void {
  const given = body as Readonly<Record<string, unknown>>
  const name = ofCreation.find((one) => isSet(given[one]))
  if (name !== undefined)
    throw badRequest(
      `cannot update the container: ${name} cannot be changed, and is ${JSON.stringify(given[name])}`,
    )
}

function unsupported(name: string, value: unknown): Error {
  return badRequest(
    `cannot create the container: HostConfig.${name} is ${JSON.stringify(value)}, which is not supported`,
  )
}

function isSet(value: unknown): boolean {
  if (value === undefined || value === null || value === '' || value === 0 || value === false) return false
  return typeof value !== 'object' || Object.keys(value).length > 0
}
