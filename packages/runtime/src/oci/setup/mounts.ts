import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  AT_RECURSIVE,
  FSCONFIG_CMD_RECONFIGURE,
  FSCONFIG_SET_FLAG,
  FSCONFIG_SET_STRING,
  MOUNT_ATTR_RDONLY,
  mountAttributes,
  MS_REC,
  O_CLOEXEC,
  OPEN_TREE_CLOEXEC,
  OPEN_TREE_CLONE,
  type Program,
  type Ref,
} from '@ctr/linux'
import { posix } from 'node:path'
import { newFileSystem } from '../../setup/rootfs.js'
import { bindAttributes } from '../config/bind-attributes.js'
import type { ParsedMountOptions } from '../config/mount-options.js'
import { attachAt, makeAndOpen, openParent, openPlace, type Descriptor } from './attach.js'
import { bindOf } from './mount-rules.js'
import type { MountParameter, PlannedMount } from './plan.js'

/** A mount on its way into the container's tree. */
export interface MadeMount {
  readonly planned: PlannedMount
  /** The mount; undefined where it comes about only when it is its turn. */
  readonly detached: Descriptor | undefined
}

/**
 * Makes the file system of a mount, detached. This happens while the host's mounts are still there: a source may
 * be a device or a path of the host, and the kernel gives a new `proc` or `sysfs` to a user namespace only where a
 * whole one is visible.
 */
export function makeMount(program: Program, planned: PlannedMount): MadeMount {
  const { mount, options, making } = planned
  if (making.how === 'opened') return { planned, detached: making.fd }
  if (making.how === 'bound') return { planned, detached: bind(program, planned, making) }
  if (making.how !== 'new' || isLong(making.parameters)) return { planned, detached: undefined }
  program.step(`make the ${making.type} for ${mount.destination}`)
  // read-only comes last: what is mounted below may need a folder here
  const attributes = options.attributesSet & ~MOUNT_ATTR_RDONLY
  const detached = newFileSystem(
    program,
    making.type,
    making.parameters,
    attributes,
    mount.source ?? making.type,
  )
  setPropagation(program, detached, options.propagation)
  return { planned, detached }
}

/**
 * Attaches a mount at its place in the container's root.
 *
 * @returns The mount; undefined for what is none.
 */
export function attachMount(program: Program, root: Descriptor, made: MadeMount): Descriptor | undefined {
  const { planned, detached } = made
  const { mount, options, place, making } = planned
  program.step(`mount ${mount.source ?? mount.type ?? ''} at ${mount.destination}`)
  if (making.how === 'link') makeLink(program, root, planned, making.target)
  if (making.how === 'remount') remount(program, root, planned)
  if (making.how === 'link' || making.how === 'remount') return undefined
  if (making.how === 'inside') {
    const copy = copyInside(program, root, planned, making)
    attachAt(program, root, copy, place, making.kind)
    return copy
  }
  if (making.how === 'new' && detached === undefined) return mountByPath(program, root, planned, making)
  attachAt(program, root, detached!, place, 'kind' in making ? making.kind : 'folder')
  if (making.how === 'new') setRecursive(program, detached!, options)
  for (const { fd, kind, path } of making.how === 'opened' ? (making.below ?? []) : []) {
    attachAt(program, root, fd, { path: `${place.path}${path}`, kind, missing: 0, stats: undefined }, kind)
  }
  return detached
}

/** Makes the file systems read-only that are to be, once everything is in them. */
export function finishMount(
  program: Program,
  { options, mount, making }: PlannedMount,
  attached: Descriptor,
): void {
  const isNew = making.how === 'new' || options.copyUp
  if (!isNew || (options.attributesSet & MOUNT_ATTR_RDONLY) === 0) return
  program.step(`make ${mount.destination} read-only`)
  setAttributes(program, attached, { set: MOUNT_ATTR_RDONLY })
}

/** A bind of a path of the host, detached. */
function bind(
  program: Program,
  { mount, options }: PlannedMount,
  { source, flags, propagation }: Extract<PlannedMount['making'], { how: 'bound' }>,
): Ref {
  program.step(`open the source of ${mount.destination}`)
  const copy = program.call('open_tree', [AT_FDCWD, source, flags])
  setPropagation(program, copy, propagation)
  changeCopy(program, copy, options)
  return copy
}

/** A bind of what is in the container's tree by now. */
function copyInside(
  program: Program,
  root: Descriptor,
  planned: PlannedMount,
  { from }: Extract<PlannedMount['making'], { how: 'inside' }>,
): Ref {
  const { options } = planned
  const source = openPlace(program, root, from.path)
  const recursive = bindOf(planned) === 'rbind' ? AT_RECURSIVE : 0
  const flags = OPEN_TREE_CLONE + OPEN_TREE_CLOEXEC + AT_EMPTY_PATH + recursive
  const copy = program.call('open_tree', [source, '', flags])
  program.call('close', [source])
  setPropagation(program, copy, options.propagation)
  changeCopy(program, copy, options)
  return copy
}

function changeCopy(program: Program, copy: Ref, options: ParsedMountOptions): void {
  const change = bindAttributes(options)?.wanted
  if (change !== undefined) setAttributes(program, copy, change)
  setRecursive(program, copy, options)
}

/** `copy-symlink`. A link that is there already has been found to be the same. */
function makeLink(program: Program, root: Descriptor, { place }: PlannedMount, target: string): void {
  if (place.missing === 0) return
  const parent = openParent(program, root, place)
  program.call('symlinkat', [target, parent, posix.basename(place.path)])
  program.call('close', [parent])
}

function remount(program: Program, root: Descriptor, planned: PlannedMount): void {
  const { options, place } = planned
  const at = openPlace(program, root, place.path)
  setAttributes(program, at, { set: options.attributesSet, clear: options.attributesClear })
  setRecursive(program, at, options)
  setPropagation(program, at, options.propagation)
  if (bindOf(planned) === false && options.superblock.length + options.data.length > 0) {
    const fs = program.call('fspick', [at, '', FSPICK_CLOEXEC + FSPICK_EMPTY_PATH])
    for (const flag of options.superblock) program.call('fsconfig', [fs, FSCONFIG_SET_FLAG, flag, null, 0])
    for (const [key, value] of options.data) {
      if (value === undefined) program.call('fsconfig', [fs, FSCONFIG_SET_FLAG, key, null, 0])
      else program.call('fsconfig', [fs, FSCONFIG_SET_STRING, key, value, 0])
    }
    program.call('fsconfig', [fs, FSCONFIG_CMD_RECONFIGURE, null, null, 0])
    program.call('close', [fs])
  }
  program.call('close', [at])
}

const FSPICK_CLOEXEC = 0x1
const FSPICK_EMPTY_PATH = 0x8

/** fsconfig(2) takes values of at most 255 bytes, which is little for the folders of an overlay. */
function isLong(parameters: readonly MountParameter[]): boolean {
  return parameters.some(([, value]) => value !== undefined && Buffer.byteLength(value) > 255)
}

/** Makes a file system with mount(2), at a place that is opened before: the path names a descriptor. */
function mountByPath(
  program: Program,
  root: Descriptor,
  { mount, options, place }: PlannedMount,
  { type, parameters }: Extract<PlannedMount['making'], { how: 'new' }>,
): Ref {
  const opened = makeAndOpen(program, root, place, 'folder')
  // its number must be known in advance, it is part of the path below
  const at = program.call('dup3', [opened, PLACE_FD, O_CLOEXEC])
  program.call('close', [opened])
  const data = parameters.map(([key, value]) => (value === undefined ? key : `${key}=${value}`)).join(',')
  program.call('mount', [mount.source ?? type, `/proc/self/fd/${PLACE_FD}`, type, 0, data])
  program.call('close', [at])
  const mounted = openPlace(program, root, place.path)
  setAttributes(program, mounted, { set: options.attributesSet & ~MOUNT_ATTR_RDONLY })
  setPropagation(program, mounted, options.propagation)
  setRecursive(program, mounted, options)
  return mounted
}

const PLACE_FD = 999

function setAttributes(
  program: Program,
  mount: Descriptor,
  change: Parameters<typeof mountAttributes>[0],
  recursive = false,
): void {
  const flags = AT_EMPTY_PATH + (recursive ? AT_RECURSIVE : 0)
  program.call('mount_setattr', [mount, '', flags, mountAttributes(change), 32])
}

function setRecursive(
  program: Program,
  mount: Descriptor,
  { recursiveSet: set, recursiveClear: clear }: ParsedMountOptions,
): void {
  if (set !== 0 || clear !== 0) setAttributes(program, mount, { set, clear }, true)
}

function setPropagation(program: Program, mount: Descriptor, propagation: readonly number[]): void {
  for (const flags of propagation) {
    setAttributes(program, mount, { propagation: flags & ~MS_REC }, (flags & MS_REC) !== 0)
  }
}
