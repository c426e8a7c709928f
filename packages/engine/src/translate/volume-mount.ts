import type { CreateVolumeOptions } from '@ctr/overlay'
import { badRequest } from '../errors.js'

const known = ['type', 'device', 'o']

/** What a volume is of, from the options of Docker's local driver. */
export function volumeMount(options: Readonly<Record<string, string>>): CreateVolumeOptions['mount'] {
  const names = Object.keys(options)
  if (names.length === 0) return undefined
  const unknown = names.find((name) => !known.includes(name))
  if (unknown !== undefined) throw badRequest(`invalid option: ${JSON.stringify(unknown)}`)
  const { type, device, o } = options
  for (const [name, value] of Object.entries({ device, type }))
    if (value === undefined || value === '')
      throw badRequest(`missing required option: ${JSON.stringify(name)}`)
  return { type: type!, device: device!, options: o }
}

/** What a volume was made with, as it is shown: a limit of bytes as a number. Null for a folder without a limit. */
export function optionsOf(
  mount: CreateVolumeOptions['mount'],
  { bytes, inodes }: NonNullable<CreateVolumeOptions['storage']> = {},
): Record<string, string> | null {
  const options = {
    ...(mount !== undefined && { type: mount.type, device: mount.device }),
    ...(mount?.options !== undefined && { o: mount.options }),
    ...(bytes !== undefined && { size: String(bytes) }),
    ...(inodes !== undefined && { inodes: String(inodes) }),
  }
  return Object.keys(options).length === 0 ? null : options
}
