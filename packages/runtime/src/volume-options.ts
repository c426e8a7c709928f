import type { CreateVolumeOptions } from '@ctr/overlay'
import { RuntimeError } from './errors.js'

const propagations = ['private', 'rprivate', 'slave', 'rslave', 'shared', 'rshared'] as const

/** What is mounted in a container: a folder or file of the host, a volume, or the files of an image. */
export type Volume = HostVolume | NamedVolume | ImageVolume

/** A folder or file of the host in a container. */
export interface HostVolume {
  /** Absolute path on the host, which must exist. */
  readonly source: string
  /** Absolute path in the container; made where it is missing. */
  readonly target: string
  /** Default false. */
  readonly readOnly?: boolean | undefined
  /**
   * Show its files as those of the container's user namespace: what belongs to root on the host belongs to root inside,
   * and what root inside writes belongs to root on the host. Default false: files belong inside to whom they belong
   * to on the host, which is nobody for ids that the container does not have.
   */
  readonly idmap?: boolean | undefined
  /**
   * Whether mounts made below it later show on the other side: inside what the host mounts (`'rslave'`), or both ways
   * (`'rshared'`; its mount on the host must be shared); without the `r` of the mount itself alone. Default `'rprivate'`.
   */
  readonly propagation?: MountPropagation | undefined
  /** With what the host has mounted below it. Default true. */
  readonly recursive?: boolean | undefined
  /** Where it is read-only, so is what is mounted below it. Default true. */
  readonly readOnlyBelow?: boolean | undefined
}

/** How mounts below a mount spread, in mount(8)'s words. */
export type MountPropagation = (typeof propagations)[number]

/** A volume of the runtime in a container. */
export interface NamedVolume {
  readonly source?: undefined
  readonly image?: undefined
  /**
   * Name: 2 to 128 letters, digits, `_`, `.`, `-`. Made where it is missing, and stays when the container is removed.
   * Without it, an anonymous volume is made for this container.
   */
  readonly volume?: string | undefined
  /** What it is made with where it is missing: its labels, its limit, its mount. */
  readonly made?: CreateVolumeOptions | undefined
  /** Absolute path in the container; made where it is missing. */
  readonly target: string
  /** Default false. */
  readonly readOnly?: boolean | undefined
  /** Fill an empty volume with what the image has in its place, with its owner and permissions. Default true. */
  readonly copy?: boolean | undefined
  /**
   * A folder or file in the volume instead of all of it. It must be there at the start; links on the way end inside of
   * the volume. Nothing is filled then.
   */
  readonly subpath?: string | undefined
}

/** The files of an image in a container, which cannot be written to. */
export interface ImageVolume {
  readonly source?: undefined
  readonly volume?: undefined
  /** Name or id of an image that is here. It cannot be removed while the container is there. */
  readonly image: string
  /** Absolute path in the container; made where it is missing. */
  readonly target: string
  /** Whatever is said. */
  readonly readOnly?: boolean | undefined
  /** A folder or file of the image instead of all of it; links on the way end inside of the image. */
  readonly subpath?: string | undefined
}

const namePattern = /^[A-Za-z0-9][A-Za-z0-9_.-]{1,127}$/

/**
 * Checks what can be checked before anything is made.
 *
 * @throws {@link RuntimeError} `ERR_RUNTIME_INVALID_ARG`.
 */
export function checkVolume(volume: Volume): void {
  const { source, target } = volume
  if (source === undefined) checkStored(volume)
  else if (!source.startsWith('/'))
    throw invalid(`cannot mount ${source}: the path on the host is not absolute`)
  else if (volume.propagation !== undefined && !propagations.includes(volume.propagation))
    throw invalid(`cannot mount ${source} with propagation ${volume.propagation as string}: there is no such`)
  const what = source ?? nameOf(volume)
  if (!target.startsWith('/') || target.split('/').includes('..')) {
    throw invalid(
      `cannot mount ${what} at ${target}: the path in the container must be absolute, without ".."`,
    )
  }
  if (target.split('/').every((part) => part === '' || part === '.'))
    throw invalid(`cannot mount ${what} at ${target}: use rootfs for that`)
}

function nameOf({ volume, image }: NamedVolume | ImageVolume): string {
  if (image !== undefined) return `image ${image}`
  return volume === undefined ? 'a volume' : `the volume ${volume}`
}

function checkStored({ volume, image, subpath }: NamedVolume | ImageVolume): void {
  if (volume !== undefined && !namePattern.test(volume)) {
    throw invalid(
      `cannot mount the volume ${JSON.stringify(volume)}: 2 to 128 letters, digits, "_", "." and "-" are allowed, the first a letter or digit`,
    )
  }
  if (
    subpath !== undefined &&
    (subpath.startsWith('/') || subpath.split('/').includes('..') || subpath.includes('\0'))
  )
    throw invalid(
      `cannot mount ${JSON.stringify(subpath)} of ${image === undefined ? 'a volume' : 'an image'}: the path must be relative, without ".."`,
    )
}

function invalid(message: string): RuntimeError {
  return new RuntimeError('ERR_RUNTIME_INVALID_ARG', message)
}
