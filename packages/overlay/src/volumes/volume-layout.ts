import { join } from 'node:path'
import { OverlayError } from '../errors.js'

/**
 * Where a store keeps its volumes.
 *
 * ```
 * FOLDER/NAME/data                   the files
 * FOLDER/NAME/volume.json            what it is
 * FOLDER/NAME/users/USER             who uses it
 * FOLDER/NAME/lock                   held while it is filled
 * FOLDER/.temporary/NAME, NAME.lock  half made; the lock is held as long as somebody is at it
 * FOLDER/.projects/                  see Projects: there once a volume had a limit
 * ```
 */
export class VolumeLayout {
  readonly folder: string

  constructor(folder: string) {
    this.folder = folder
  }

  get temporary(): string {
    return join(this.folder, '.temporary')
  }
  get projects(): string {
    return join(this.folder, '.projects')
  }
  volume(name: string): string {
    return join(this.folder, checkVolumeName(name))
  }
  data(name: string): string {
    return join(this.volume(name), 'data')
  }
  users(name: string): string {
    return join(this.volume(name), 'users')
  }
  record(name: string): string {
    return join(this.volume(name), 'volume.json')
  }
  lock(name: string): string {
    return join(this.volume(name), 'lock')
  }
}

/** Refuses what could be more than one component of a path, by Docker's rule: two characters at least. */
export function checkVolumeName(name: string): string {
  if (/^[A-Za-z0-9][A-Za-z0-9_.-]{1,127}$/.test(name)) return name
  throw new OverlayError(
    'ERR_OVERLAY_INVALID_ARG',
    `cannot use the volume name ${JSON.stringify(name)}: it must be 2 to 128 of A-Z a-z 0-9 _ . - and begin with a letter or digit`,
  )
}

/** The same for who uses a volume. */
export function checkUser(user: string): string {
  if (/^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$/.test(user)) return user
  throw new OverlayError(
    'ERR_OVERLAY_INVALID_ARG',
    `cannot use a volume as ${JSON.stringify(user)}: it must be 1 to 128 of A-Z a-z 0-9 _ . - and begin with a letter or digit`,
  )
}
