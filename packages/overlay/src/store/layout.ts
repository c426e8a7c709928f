import { join } from 'node:path'
import { OverlayError } from '../errors.js'

/**
 * Where a store keeps what. Every name that reaches a path goes through here and is checked first.
 *
 * ```
 * FOLDER/layers/sha256/HEX/diff          the unpacked files
 * FOLDER/layers/sha256/HEX/layer.json    what they are
 * FOLDER/roots/ID/{root.json,upper,work}
 * FOLDER/temporary/NAME, NAME.lock       half made; the lock is held as long as somebody is at it
 * FOLDER/flat/HASH/{flat.json,tree}     stacks of layers as one folder, where the kernel does not merge them
 * FOLDER/unsynced/BOOT~HEX               a layer that may not be on the disk yet
 * FOLDER/projects/                       see Projects: there once a root had a limit
 * FOLDER/empty                           below a read-only view of a single layer
 * ```
 */
export class Layout {
  readonly folder: string

  constructor(folder: string) {
    this.folder = folder
  }

  get layers(): string {
    return join(this.folder, 'layers', 'sha256')
  }
  get roots(): string {
    return join(this.folder, 'roots')
  }
  get temporary(): string {
    return join(this.folder, 'temporary')
  }
  get unsynced(): string {
    return join(this.folder, 'unsynced')
  }
  get flat(): string {
    return join(this.folder, 'flat')
  }
  get projects(): string {
    return join(this.folder, 'projects')
  }
  get empty(): string {
    return join(this.folder, 'empty')
  }

  /** Folder of a layer. */
  layer(diffId: string): string {
    return join(this.layers, checkDiffId(diffId).slice('sha256:'.length))
  }

  /** Folder of a root file system. */
  root(id: string): string {
    return join(this.roots, checkRootId(id))
  }
}

/** Refuses what is no `sha256:` digest, before a path is made of it. */
export function checkDiffId(diffId: string): string {
  if (/^sha256:[0-9a-f]{64}$/.test(diffId)) return diffId
  throw new OverlayError(
    'ERR_OVERLAY_INVALID_ARG',
    `cannot use the diffID ${JSON.stringify(diffId)}: it must be sha256: and 64 lower case hexadecimal digits`,
  )
}

/** Refuses what could be more than one component of a path. */
export function checkRootId(id: string): string {
  if (/^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$/.test(id)) return id
  throw new OverlayError(
    'ERR_OVERLAY_INVALID_ARG',
    `cannot use the id ${JSON.stringify(id)}: it must be 1 to 128 of A-Z a-z 0-9 _ . - and begin with a letter or digit`,
  )
}
