import { statSync } from 'node:fs'
import { join } from 'node:path'
import type { Volume as StoredVolume } from '@ctr/overlay'
import type { StoredImage } from '@ctr/registry'
import type { Context } from '../context.js'
import { isRuntimeError, RuntimeError } from '../errors.js'
import type { RunOptions } from '../options.js'
import type { Rollback } from '../rollback.js'
import type { Bind } from '../setup/container-setup.js'
import type { WantedBind } from './binds.js'
import type { HostVolume, NamedVolume, Volume } from '../volume-options.js'
import { findInit, INIT_PATH } from '../sandbox/init-program.js'
import type { ContainerMount } from './container-mount.js'
import type { ContainerVolume } from './container-volume.js'
import { imageBind } from './image-volumes.js'
import { openSource } from './mount-source.js'
import type { ContainerSpec } from './spec.js'

/** What is to be mounted in a container, and what of it is a volume. */
export interface PreparedVolumes {
  readonly binds: readonly WantedBind[]
  readonly volumes: readonly ContainerVolume[]
}

/**
 * Finds what is to be mounted: folders and files of the host, files of images, and volumes, which are made where they are missing, noted
 * as in use, and filled with what the image has in their place while they are empty.
 */
export async function prepareVolumes(
  context: Context,
  { record, options, image, userNamespace }: ContainerSpec,
  rollback: Rollback,
): Promise<PreparedVolumes> {
  const binds: WantedBind[] = []
  const volumes: ContainerVolume[] = []
  if (options.init === true) binds.push(bindOf({ source: findInit(), target: INIT_PATH, readOnly: true }))
  for (const wanted of wantedVolumes(options, image)) {
    if (isOfHost(wanted)) {
      binds.push(bindOf(wanted))
      continue
    }
    if (wanted.image !== undefined) {
      binds.push(await imageBind(context, userNamespace, wanted))
      continue
    }
    const volume = await claim(context, wanted, record.id, rollback)
    const { subpath } = wanted
    if (image !== undefined && wanted.copy !== false && subpath === undefined)
      await fill(context, volume, record.id, wanted.target, image)
    binds.push({
      source: volume.path,
      target: wanted.target,
      readOnly: wanted.readOnly ?? false,
      subpath,
      kind: subpath === undefined ? 'folder' : kindIn(volume.path, subpath),
      // it is ours, and nobody else can come to it: what is in it belongs to the same ids in every container
      idmap: true,
    })
    volumes.push({ name: volume.name, target: wanted.target, anonymous: wanted.volume === undefined })
  }
  return { binds, volumes }
}

/** What of it is kept in the container's record. */
export function mountsOf(binds: readonly WantedBind[]): readonly ContainerMount[] {
  return binds.map(({ source, subpath, layers, target, readOnly, kind }) => ({
    source,
    ...(subpath === undefined ? {} : { subpath }),
    ...(layers === undefined ? {} : { layers }),
    target: `/${partsOf(target).join('/')}`,
    readOnly,
    kind,
  }))
}

/** The same for text that explains a container: nothing is made. */
export function explainVolumes(
  context: Context,
  options: RunOptions,
  image: StoredImage | undefined,
): readonly Bind[] {
  return wantedVolumes(options, image).map((wanted) =>
    isOfHost(wanted)
      ? bindOf(wanted)
      : {
          source: wanted.image ?? join(context.volumes.folder, wanted.volume ?? 'ANONYMOUS', 'data'),
          target: wanted.target,
          readOnly: wanted.image !== undefined || (wanted.readOnly ?? false),
          kind: 'folder' as const,
        },
  )
}

/**
 * Gives back the volumes of a container that is removed. Idempotent.
 *
 * @param anonymous - Remove those that were made for it without a name.
 */
export async function releaseVolumes(
  context: Context,
  id: string,
  volumes: readonly ContainerVolume[],
  anonymous: boolean,
): Promise<void> {
  for (const { name, anonymous: isAnonymous } of volumes) {
    const volume = context.volumes.get(name)
    if (volume === undefined) continue
    volume.release(id)
    await volume.detach()
    // somebody else may have been given it by its name
    if (anonymous && isAnonymous && volume.users().length === 0) await context.volumes.remove(name)
  }
}

/** What options and image ask for, a folder before what is mounted in it. */
function wantedVolumes({ volumes = [], tmpfs = {} }: RunOptions, image: StoredImage | undefined): Volume[] {
  const targets = [...volumes.map(({ target }) => target), ...Object.keys(tmpfs)]
  const taken = new Set(targets.map((target) => partsOf(target).join('/')))
  const declared = (image?.config.config.Volumes ?? [])
    .map((path) => `/${partsOf(path).join('/')}`)
    .filter((path) => path !== '/' && !path.includes('/../') && !taken.has(path.slice(1)))
  const all: Volume[] = [...volumes, ...declared.map((target) => ({ target }))]
  return all.sort((a, b) => partsOf(a.target).length - partsOf(b.target).length)
}

function partsOf(path: string): string[] {
  return path.split('/').filter((part) => part !== '' && part !== '.')
}

function isOfHost(volume: Volume): volume is HostVolume {
  return volume.source !== undefined
}

/** Whoever removes the volume at the same moment is either seen, or it is made again. */
async function claim(
  context: Context,
  { volume: name, made }: NamedVolume,
  id: string,
  rollback: Rollback,
): Promise<StoredVolume> {
  for (;;) {
    const volume = await context.volumes.create(name, made)
    try {
      volume.use(id)
    } catch (error) {
      if ((error as { readonly code?: unknown }).code === 'ERR_OVERLAY_NOT_FOUND') continue
      throw error
    }
    const kept = { name: volume.name, target: '', anonymous: name === undefined }
    rollback.defer(() => releaseVolumes(context, id, [kept], true))
    await volume.attach()
    return volume
  }
}

async function fill(
  context: Context,
  volume: StoredVolume,
  id: string,
  target: string,
  image: StoredImage,
): Promise<void> {
  if (!volume.isEmpty()) return
  using view = await context.layers.openView(image.layers.map(({ diffId }) => diffId))
  await volume.fill(view.number, target, id)
}

/** What is in a volume may come until the start. */
function kindIn(folder: string, subpath: string): 'folder' | 'file' {
  try {
    using found = openSource({ source: folder, subpath })
    return statSync(found.path).isDirectory() ? 'folder' : 'file'
  } catch (error) {
    if (isRuntimeError(error)) return 'folder'
    throw error
  }
}

function bindOf({ source, target, readOnly = false, idmap = false, ...how }: HostVolume): WantedBind {
  try {
    const kind = statSync(source).isDirectory() ? 'folder' : 'file'
    const { propagation, recursive, readOnlyBelow } = how
    return { source, target, readOnly, idmap, kind, propagation, recursive, readOnlyBelow }
  } catch (cause) {
    throw new RuntimeError(
      'ERR_RUNTIME_INVALID_ARG',
      `cannot mount ${source} at ${target}: it does not exist on the host`,
      { cause },
    )
  }
}
