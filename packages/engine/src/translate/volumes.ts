import { mkdirSync } from 'node:fs'
import { normalize } from 'node:path'
import type { CreateVolumeOptions } from '@ctr/overlay'
import type { Container, HostVolume, MountPropagation, Volume } from '@ctr/runtime'
import { badRequest } from '../errors.js'
import type { CreateBody } from '../http/schemas/create-container.js'
import { madeVolume } from './made-volume.js'

/**
 * What is mounted, from `Binds`, `Mounts`, `Volumes`, and of other containers what none of these takes the place of. Folders
 * of `Binds` are made where they are missing.
 */
export function volumesOf(
  { HostConfig, Volumes }: CreateBody,
  ofOthers: readonly Volume[],
): readonly Volume[] {
  HostConfig?.Mounts?.forEach(refuseOthersOptions)
  const binds = (HostConfig?.Binds ?? []).map(parseBind)
  const mounts = (HostConfig?.Mounts ?? []).filter(({ Type }) => Type !== 'tmpfs').map(parseMount)
  const tmpfs = [
    ...Object.keys(HostConfig?.Tmpfs ?? {}),
    ...(HostConfig?.Mounts ?? []).filter(({ Type }) => Type === 'tmpfs').map(({ Target }) => Target),
  ]
  const named = new Set([...binds, ...mounts].map(({ target }) => target))
  refuseTwice([...[...binds, ...mounts].map(({ target }) => target), ...tmpfs])
  const anonymous = Object.keys(Volumes ?? {})
    .filter((target) => !named.has(target))
    .map((target): Volume => ({ target }))
  const own = [...binds, ...mounts, ...anonymous]
  const taken = new Set([...own.map(({ target }) => target), ...tmpfs])
  return [...ofOthers.filter(({ target }) => !taken.has(target)), ...own]
}

function refuseTwice(targets: readonly string[]): void {
  const plain = targets.map((target) => normalize(`${target}/`))
  const at = plain.findIndex((target, n) => plain.indexOf(target) !== n)
  if (at >= 0) throw badRequest(`Duplicate mount point: ${targets[at]!}`)
}

/** `SOURCE:TARGET[:OPTIONS]`, a source with a slash being a path of the host. */
function parseBind(text: string): Volume {
  const parts = text.split(':')
  const [source, target, options = ''] = parts.length === 1 ? ['', parts[0]!] : parts
  if (parts.length > 3 || target === undefined || !target.startsWith('/'))
    throw badRequest(`invalid volume specification in HostConfig.Binds: ${JSON.stringify(text)}`)
  const words = options.split(',').filter((word) => word !== '' && word !== 'rw')
  const unknown = words.find((word) => !['ro', 'nocopy', 'z', 'Z'].includes(word) && !isPropagation(word))
  if (unknown !== undefined)
    throw badRequest(`invalid option ${JSON.stringify(unknown)} in HostConfig.Binds: ${JSON.stringify(text)}`)
  const readOnly = words.includes('ro')
  if (source === '') return { target, readOnly }
  if (!source!.includes('/')) return { volume: source, target, readOnly, copy: !words.includes('nocopy') }
  if (!source!.startsWith('/'))
    throw badRequest(`invalid path in HostConfig.Binds: ${source!} is not absolute`)
  mkdirOptional(source!)
  return { source: source!, target, readOnly, propagation: words.find(isPropagation) }
}

const propagations = ['private', 'rprivate', 'slave', 'rslave', 'shared', 'rshared']

/** Whether a word says how mounts below spread. */
export function isPropagation(word: string): word is MountPropagation {
  return propagations.includes(word)
}

/** As Docker: what is missing on the host becomes a folder. A file that is there stays. */
function mkdirOptional(path: string): void {
  try {
    mkdirSync(path, { recursive: true })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST')
      throw badRequest(`cannot mount ${path}: ${String(error)}`)
  }
}

type Mount = NonNullable<NonNullable<CreateBody['HostConfig']>['Mounts']>[number]

function propagationOf(options: Mount['BindOptions'], index: number): MountPropagation | undefined {
  const wanted = orUnset(options?.Propagation)
  if (wanted === undefined || isPropagation(wanted)) return wanted
  throw badRequest(
    `invalid HostConfig.Mounts[${index}].BindOptions.Propagation: ${JSON.stringify(wanted)} is none of ${propagations.join(', ')}`,
  )
}

/** What of the mounts below a folder of the host is there, and may be written to. */
function belowOf(
  options: Mount['BindOptions'],
  readOnly: boolean,
  index: number,
): Pick<HostVolume, 'recursive' | 'readOnlyBelow'> {
  const { NonRecursive, ReadOnlyNonRecursive, ReadOnlyForceRecursive } = options ?? {}
  const refuse = (name: string, why: string): never => {
    throw badRequest(`invalid HostConfig.Mounts[${index}].BindOptions.${name}: ${why}`)
  }
  if (ReadOnlyNonRecursive === true && !readOnly) refuse('ReadOnlyNonRecursive', 'the mount is not ReadOnly')
  if (ReadOnlyForceRecursive === true && !readOnly)
    refuse('ReadOnlyForceRecursive', 'the mount is not ReadOnly')
  if (ReadOnlyForceRecursive === true && (NonRecursive ?? ReadOnlyNonRecursive) === true)
    refuse('ReadOnlyForceRecursive', 'NonRecursive or ReadOnlyNonRecursive says otherwise')
  return {
    ...(NonRecursive === true && { recursive: false }),
    ...(ReadOnlyNonRecursive === true && { readOnlyBelow: false }),
  }
}

const optionsOf = {
  BindOptions: 'bind',
  VolumeOptions: 'volume',
  ImageOptions: 'image',
  TmpfsOptions: 'tmpfs',
} as const

/** @throws `ApiError` 400: what only a mount of another type has, and would be left out. */
function refuseOthersOptions(mount: Mount, index: number): void {
  for (const [name, type] of Object.entries(optionsOf) as [keyof typeof optionsOf, string][]) {
    const isGiven = Object.values(mount[name] ?? {}).some(
      (value) => value !== null && value !== false && value !== '',
    )
    if (isGiven && mount.Type !== type)
      throw badRequest(
        `invalid HostConfig.Mounts[${index}]: ${name} is not for type ${JSON.stringify(mount.Type)}`,
      )
  }
}

function orUnset(text: string | null | undefined): string | undefined {
  return text === null || text === '' ? undefined : text
}

function madeOf({ Labels, DriverConfig }: NonNullable<Mount['VolumeOptions']>): CreateVolumeOptions {
  return madeVolume({ Labels, Driver: DriverConfig?.Name, DriverOpts: DriverConfig?.Options })
}

function parseMount(
  { Type, Source, Target, ReadOnly, VolumeOptions, BindOptions, ImageOptions }: Mount,
  index: number,
): Volume {
  const readOnly = ReadOnly ?? false
  switch (Type) {
    case 'bind':
      if (Source == null || Source === '')
        throw badRequest(`invalid HostConfig.Mounts[${index}]: Source is missing`)
      if (BindOptions?.CreateMountpoint === true) mkdirOptional(Source)
      return {
        source: Source,
        target: Target,
        readOnly,
        propagation: propagationOf(BindOptions, index),
        ...belowOf(BindOptions, readOnly, index),
      }
    case 'volume':
      return {
        ...(Source == null || Source === '' ? {} : { volume: Source }),
        ...(VolumeOptions == null ? {} : { made: madeOf(VolumeOptions) }),
        target: Target,
        readOnly,
        copy: VolumeOptions?.NoCopy !== true,
        subpath: orUnset(VolumeOptions?.Subpath),
      }
    case 'image':
      if (Source == null || Source === '')
        throw badRequest(`invalid HostConfig.Mounts[${index}]: Source is missing`)
      return { image: Source, target: Target, subpath: orUnset(ImageOptions?.Subpath) }
    default:
      throw badRequest(`invalid HostConfig.Mounts[${index}].Type: ${JSON.stringify(Type)} is not supported`)
  }
}

/**
 * Volumes of other containers, from `VolumesFrom`: `NAME[:ro|rw]`.
 *
 * @param find - A container by name or id.
 */
export function volumesFrom(
  { HostConfig }: CreateBody,
  find: (name: string) => Container,
): readonly Volume[] {
  const byTarget = new Map<string, Volume>()
  for (const text of HostConfig?.VolumesFrom ?? []) {
    const [, name, mode] = /^([^:]+)(?::(ro|rw|z))?$/.exec(text) ?? []
    if (name === undefined) throw badRequest(`invalid HostConfig.VolumesFrom: ${JSON.stringify(text)}`)
    for (const volume of find(name).inspect().options?.volumes ?? [])
      byTarget.set(volume.target, mode === 'ro' ? { ...volume, readOnly: true } : volume)
  }
  return [...byTarget.values()]
}
