import type { CreateVolumeOptions } from '@ctr/overlay'
import { badRequest } from '../errors.js'
import type { VolumeBody } from '../http/schemas/create-container.js'
import { storageOf } from './storage.js'
import { volumeMount } from './volume-mount.js'

type Asked = { readonly [name in 'Driver' | 'DriverOpts' | 'Labels']?: VolumeBody[name] | undefined }

/** What a volume is made with, in the words of Docker's local driver, which is the one that there is. */
export function madeVolume({ Driver, DriverOpts, Labels }: Asked): CreateVolumeOptions {
  if (Driver != null && Driver !== '' && Driver !== 'local')
    throw badRequest(`error looking up volume plugin ${Driver}: plugin ${JSON.stringify(Driver)} not found`)
  const { size, inodes, ...ofMount } = DriverOpts ?? {}
  const limits = { ...(size !== undefined && { size }), ...(inodes !== undefined && { inodes }) }
  return { labels: Labels ?? {}, storage: storageOf(limits, 'DriverOpts'), mount: volumeMount(ofMount) }
}
