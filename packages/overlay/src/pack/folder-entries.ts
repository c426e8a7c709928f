import { readdir, readlink, lstat } from 'node:fs/promises'
import { join } from 'node:path'
import { systemError } from '../errors.js'
import type { LayerSource } from './layer-source.js'

/**
 * The files, folders and links below a folder as sources for {@link packLayer}, sorted by name, with their
 * owners and permissions. Devices, fifos and sockets are left out, and so are extended attributes; hard links
 * become files of their own.
 *
 * @param folder - A folder of the host. Its own permissions are not packed.
 * @param prefix - Where it goes in the image; a leading slash means nothing. Default the root.
 *
 * @example
 * const layer = packLayer(folderEntries('./public', 'srv/www'))
 */
export async function* folderEntries(folder: string, prefix = ''): AsyncGenerator<LayerSource, void> {
  const names = await readdir(folder).catch((error: unknown) => {
    throw systemError('pack', folder, error)
  })
  for (const name of names.sort()) {
    const source = join(folder, name)
    const path = prefix === '' ? name : `${prefix}/${name}`
    const stat = await lstat(source)
    const owned = { path, mode: stat.mode & 0o7777, uid: stat.uid, gid: stat.gid }
    if (stat.isFile()) yield { ...owned, type: 'file', source }
    else if (stat.isSymbolicLink()) yield { ...owned, type: 'symlink', target: await readlink(source) }
    else if (stat.isDirectory()) {
      yield { ...owned, type: 'directory' }
      yield* folderEntries(source, path)
    }
  }
}
