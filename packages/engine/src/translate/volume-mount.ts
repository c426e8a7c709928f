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

/** The same options, as they are shown. */
export function mountOptions(mount: CreateVolumeOptions['mount']): Record<string, string> | null {
  if (mount === undefined) return null
  const { type, device, options } = mount
  return { type, device, ...(options === undefined ? {} : { o: options }) }
}
