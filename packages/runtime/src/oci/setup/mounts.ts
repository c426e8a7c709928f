import {
  AT_EMPTY_PATH,
  AT_RECURSIVE,
  MOUNT_ATTR_RDONLY,
  mountAttributes,
  MS_REC,
  type Program,
  type Ref,
} from '@ctr/linux'
import { newFileSystem, type FileSystemParameter } from '../../setup/rootfs.js'
import { place } from '../../setup/place.js'
import type { ConfigMount } from '../config/config.js'
import type { ParsedMountOptions } from '../config/mount-options.js'
import type { MountSource } from './sources.js'

/** A mount of the config, with its options taken apart. */
export interface PlannedMount {
  readonly mount: ConfigMount
  readonly options: ParsedMountOptions
  /** For bind mounts, and file systems that the runtime has made. */
  readonly source: MountSource | undefined
}

/** A mount that has been made but is not in the container's tree yet. */
export interface MadeMount extends PlannedMount {
  readonly detached: Ref | number
}

/**
 * Makes the file system of a mount, detached. This happens while the host's mounts are still there: a source may
 * be a device or a path of the host, and the kernel gives a new `proc` or `sysfs` to a user namespace only where a
 * whole one is visible.
 */
export function makeMount(program: Program, planned: PlannedMount): MadeMount {
  const { mount, options, source } = planned
  if (source !== undefined) return { ...planned, detached: source.fd }
  program.step(`make the ${mount.type ?? 'none'} for ${mount.destination}`)
  const flags = options.superblock.filter((flag) => flag !== 'ro' && flag !== 'rw')
  const parameters = [...flags.map((flag) => [flag] as const), ...options.data.map(parameter)]
  const detached = newFileSystem(
    program,
    mount.type ?? 'none',
    parameters,
    // read-only comes last: what is mounted below may need a folder here
    options.attributesSet & ~MOUNT_ATTR_RDONLY,
    mount.source ?? mount.type ?? 'none',
  )
  setPropagation(program, detached, options)
  return { ...planned, detached }
}

/**
 * Attaches a mount at its destination in the container's root.
 *
 * A `proc` or `sysfs` is what later steps rely on to be at its place, so no link of the image may lead it elsewhere.
 */
export function attachMount(program: Program, root: Ref | number, made: MadeMount): void {
  const { mount, options, source, detached } = made
  program.step(`mount ${mount.source ?? mount.type ?? ''} at ${mount.destination}`)
  const kernelsOwn = mount.type === 'proc' || mount.type === 'sysfs'
  place(program, root, detached, mount.destination, source?.kind ?? 'folder', {
    noSymlinks: kernelsOwn && options.bind === false,
    noFollow: options.destinationNoFollow,
  })
  if (source === undefined) setRecursive(program, detached, options)
}

/** Makes the file systems read-only that are to be, once everything is in them. */
export function finishMount(program: Program, { options, source, detached, mount }: MadeMount): void {
  if (source !== undefined || (options.attributesSet & MOUNT_ATTR_RDONLY) === 0) return
  program.step(`make ${mount.destination} read-only`)
  program.call('mount_setattr', [
    detached,
    '',
    AT_EMPTY_PATH,
    mountAttributes({ set: MOUNT_ATTR_RDONLY }),
    32,
  ])
}

function setRecursive(program: Program, mount: Ref | number, options: ParsedMountOptions): void {
  const { recursiveSet: set, recursiveClear: clear } = options
  if (set === 0 && clear === 0) return
  program.call('mount_setattr', [
    mount,
    '',
    AT_EMPTY_PATH + AT_RECURSIVE,
    mountAttributes({ set, clear }),
    32,
  ])
}

function setPropagation(program: Program, mount: Ref, { propagation }: ParsedMountOptions): void {
  for (const flags of propagation) {
    program.call('mount_setattr', [
      mount,
      '',
      AT_EMPTY_PATH,
      mountAttributes({ propagation: flags & ~MS_REC }),
      32,
    ])
  }
}

function parameter([key, value]: readonly [string, string?]): FileSystemParameter {
  return value === undefined ? [key] : [key, value]
}
