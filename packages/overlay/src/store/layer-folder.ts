import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { errnoOf, OverlayError, systemError } from '../errors.js'
import type { Layout } from './layout.js'

/** A layer of a store. */
export interface Layer {
  /** `sha256:` and the hash of the uncompressed tar. */
  readonly diffId: string
  /** The unpacked files. Read only: roots and other processes stand on them. */
  readonly path: string
  /** Bytes of the uncompressed tar. */
  readonly size: number
  /** Files, folders and links in it. */
  readonly entries: number
  /** True when it hides everything below it: layers under it need not be mounted. */
  readonly opaqueRoot: boolean
}

const description = 'layer.json'

/** Where the files of the layer in `folder` are. */
export function filesOf(folder: string): string {
  return join(folder, 'diff')
}

/** Writes what a layer is beside its files. */
export function writeLayer(folder: string, layer: Omit<Layer, 'path'>): void {
  const path = join(folder, description)
  try {
    writeFileSync(path, JSON.stringify(layer), { mode: 0o600, flag: 'wx' })
  } catch (error) {
    throw systemError('write', path, error)
  }
}

/**
 * Reads what the layer in `folder` is; `undefined` when there is none.
 *
 * @throws {@link OverlayError} `ERR_OVERLAY_DAMAGED` when its description is not what was written.
 */
export function readLayer(folder: string): Layer | undefined {
  const path = join(folder, description)
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined
    throw systemError('read', path, error)
  }
  const { diffId, size, entries, opaqueRoot } = parse(path, text)
  if (
    typeof diffId !== 'string' ||
    typeof size !== 'number' ||
    typeof entries !== 'number' ||
    typeof opaqueRoot !== 'boolean'
  ) {
    throw damaged(path)
  }
  return { diffId, path: filesOf(folder), size, entries, opaqueRoot }
}

/** When the layers of a store came to be, by diffID, in milliseconds since 1970. */
export function layerAges({ layers }: Layout): ReadonlyMap<string, number> {
  const ages = new Map<string, number>()
  for (const hex of readdirSync(layers)) {
    const stat = statSync(join(layers, hex), { throwIfNoEntry: false }) // removed meanwhile
    if (stat !== undefined && /^[0-9a-f]{64}$/.test(hex)) ages.set(`sha256:${hex}`, stat.mtimeMs)
  }
  return ages
}

/** Parses a JSON file of the store. */
export function parse(path: string, text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null) return value as Readonly<Record<string, unknown>>
  } catch (error) {
    throw damaged(path, error)
  }
  throw damaged(path)
}

function damaged(path: string, cause?: unknown): OverlayError {
  return new OverlayError('ERR_OVERLAY_DAMAGED', `cannot read ${path}: it is not what was written`, {
    cause,
    path,
  })
}
