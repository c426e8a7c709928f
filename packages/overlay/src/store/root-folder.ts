import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  type Stats,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import type { StoreUserNamespace } from '../ids/user-namespace.js'
import { errnoOf, OverlayError, systemError } from '../errors.js'
import { overlayParameters, type OverlayDescription } from '../mount/description.js'
import { addToProject, parseProject, type Claim, type Project } from '../quota/projects.js'
import { mountStrategies, type MountStrategy } from '../mount/strategy.js'
import { parse } from './layer-folder.js'
import type { Layout } from './layout.js'

/** What is kept about a root file system: its description, and the layers that it needs. */
export interface RootRecord extends OverlayDescription {
  /** diffIDs from the bottom to the top; empty when it stands on plain folders. */
  readonly layers: readonly string[]
  /** How the layers become one tree; of a root that is a copy `upper` is all of it. Absent for `'overlay'`. */
  readonly strategy?: MountStrategy | undefined
  /** What its limit is kept by, where it has one. */
  readonly project?: Project | undefined
}

const recordFile = 'root.json'

/**
 * The record of a root file system that is to be made.
 *
 * @throws {@link OverlayError} `ERR_OVERLAY_INVALID_ARG` for what could not be mounted later.
 */
export function rootRecord(
  layout: Layout,
  id: string,
  {
    lower,
    layers,
    volatile,
    userxattr,
    strategy = 'overlay',
  }: Pick<RootRecord, 'lower' | 'layers' | 'volatile' | 'userxattr' | 'strategy'>,
): RootRecord {
  const folder = layout.root(id)
  const record: RootRecord = {
    layers,
    lower,
    upper: join(folder, 'upper'),
    work: join(folder, 'work'),
    ...(volatile === true ? { volatile } : {}),
    ...(userxattr === true ? { userxattr } : {}),
    ...(strategy === 'overlay' ? {} : { strategy }),
  }
  overlayParameters(record)
  return record
}

/**
 * Fills the new folder of a root file system: first the record, which keeps the layers from being removed,
 * then the upper folder, which looks like the topmost layer's root because it is the root that a container sees.
 */
export function fillRoot(
  folder: string,
  record: RootRecord,
  namespace: StoreUserNamespace | undefined,
): void {
  writeFileSync(join(folder, recordFile), JSON.stringify(record), { mode: 0o600, flag: 'wx' })
  for (const layer of record.lower) {
    if (!existsSync(layer)) {
      throw new OverlayError('ERR_OVERLAY_NOT_FOUND', `cannot make a root on ${layer}: it is not there`, {
        path: layer,
      })
    }
  }
  const top = statSync(record.lower.at(-1)!)
  mkdirSync(record.upper!)
  const made = statSync(record.upper!)
  if (made.uid !== top.uid || made.gid !== top.gid) giveTo(top, record.upper!, namespace)
  chmodSync(record.upper!, rootMode(top.mode))
  mkdirSync(record.work!, { mode: 0o700 })
  // what is renamed from one to the other has to be of the same project
  if (record.project !== undefined) addToProject(record.project, record.upper!, record.work!)
}

/** Archives of a temporary folder say that only root may come in: then everybody may, as with Docker. */
function rootMode(mode: number): number {
  return (mode & 0o001) === 0 ? (mode & 0o7777) | 0o055 : mode & 0o7777
}

/** An ordinary user's roots are its own, which is root inside: nobody but root of the host can give a folder away. */
function giveTo({ uid, gid }: Stats, folder: string, namespace: StoreUserNamespace | undefined): void {
  if (namespace === undefined) chownSync(folder, uid, gid)
}

/**
 * Reads the record of a root file system; `undefined` when there is none.
 *
 * @throws {@link OverlayError} `ERR_OVERLAY_DAMAGED` when it is not what was written.
 */
export function readRoot(layout: Layout, id: string): RootRecord | undefined {
  const path = join(layout.root(id), recordFile)
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined
    throw systemError('read', path, error)
  }
  const record = parse(path, text)
  const { layers, lower, upper, work } = record
  if (areStrings(layers) && areStrings(lower) && typeof upper === 'string' && typeof work === 'string') {
    const flags = ['volatile', 'userxattr'].filter((flag) => record[flag] === true)
    const strategy = mountStrategies.find((known) => known === record['strategy'])
    const project = parseProject(record['project'])
    const more = { ...Object.fromEntries(flags.map((flag) => [flag, true])), ...(strategy && { strategy }) }
    return { layers, lower, upper, work, ...more, ...(project && { project }) }
  }
  throw new OverlayError('ERR_OVERLAY_DAMAGED', `cannot read ${path}: it is not what was written`, { path })
}

/** The project of a root file system; undefined also for one that is half made or damaged. */
export function projectOfRoot(folder: string): Project | undefined {
  const path = join(folder, recordFile)
  try {
    return parseProject(parse(path, readFileSync(path, 'utf8'))['project'])
  } catch {
    return undefined
  }
}

/** Projects of root file systems that are no more. One whose record cannot be read yet is being made. */
export function deadProjects(layout: Layout, claims: readonly Claim[]): readonly Claim[] {
  return claims.filter(({ owner, claim }) => {
    const folder = layout.root(owner)
    const project = projectOfRoot(folder)
    return project === undefined ? !existsSync(folder) : project.claim !== claim
  })
}

/** Ids of all root file systems, half made ones included. */
export function rootIds(layout: Layout): string[] {
  return readdirSync(layout.roots).sort()
}

/** Ids of the root file systems that stand on a layer. One whose record is damaged counts for none. */
export function rootsOn(layout: Layout, diffId: string): string[] {
  return rootIds(layout).filter((id) => {
    try {
      return readRoot(layout, id)?.layers.includes(diffId) === true
    } catch {
      return false
    }
  })
}

function areStrings(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string')
}
