import type { CreateContainerOptions } from '@ctr/runtime'
import { badRequest } from '../errors.js'

const unit = 'kmgtp'

/**
 * A limit of storage: `HostConfig.StorageOpt` of a container, `DriverOpts` of a volume. Sizes are as Docker takes them:
 * `10G`, `512mb`, `1.5GiB`, bytes.
 *
 * @param member - Where it was given, for the error.
 */
export function storageOf(
  options: Readonly<Record<string, string>> | null | undefined,
  member: string,
): CreateContainerOptions['storage'] {
  const { size, inodes, ...others } = options ?? {}
  const [unknown] = Object.keys(others)
  if (unknown !== undefined)
    throw badRequest(
      `invalid value of ${member}: ${JSON.stringify(unknown)} is not supported, size and inodes are`,
    )
  if (size === undefined && inodes === undefined) return undefined
  return {
    bytes: size === undefined ? undefined : checked(bytesOf(size), `${member}.size`, size),
    inodes:
      inodes === undefined
        ? undefined
        : checked(/^\d+$/.test(inodes) ? Number(inodes) : 0, `${member}.inodes`, inodes),
  }
}

function bytesOf(text: string): number {
  const [, amount = '0', letter = ''] = /^(\d+(?:\.\d+)?) ?([kmgtp]?)i?b?$/i.exec(text) ?? []
  return Math.floor(Number(amount) * 1024 ** (unit.indexOf(letter.toLowerCase() || ' ') + 1))
}

function checked(value: number, member: string, text: string): number {
  if (Number.isSafeInteger(value) && value > 0) return value
  throw badRequest(`invalid value of ${member}: ${JSON.stringify(text)} is no size above 0`)
}
