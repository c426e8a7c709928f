import { fstatSync } from 'node:fs'
import { AT_FDCWD, O_PATH, syscallOr } from '@ctr/linux'
import type { ArchiveEntry } from '../archive/archive-entry.js'
import { splitEntryName } from '../archive/entry-name.js'
import { layerLimits, type LayerLimits } from '../archive/limits.js'
import { OverlayError } from '../errors.js'
import { byteStringOf, bytesOf, readable, type ByteString } from '../files/byte-string.js'
import { openIn, pathOfFd } from '../files/open-in.js'
import { pathInTree } from '../files/path-in-tree.js'
import { resolveIn } from '../files/resolve-in.js'
import { LayerWriter } from '../unpack/layer-writer.js'
import { ParentFolders } from '../unpack/parent-folders.js'
import { unpackWith } from '../unpack/unpack-layer.js'
import { closing, openRoot, placeError } from './place.js'

/** Settings of {@link unpackInside}. */
export interface UnpackInsideOptions {
  /** What the archive may ask for at most. */
  readonly limits?: Partial<LayerLimits> | undefined
  /** A folder never makes room for a file, nor a file for a folder. Default false. */
  readonly keepsKinds?: boolean | undefined
  /** Everything is this owner's, whatever the archive says. */
  readonly owner?: { readonly uid: number; readonly gid: number } | undefined
  /** Ends the work: what is written by then stays. */
  readonly signal?: AbortSignal | undefined
  /**
   * What the first component of every name in the archive is called instead, of an archive of one file or folder: that
   * may be `.`, or nothing before a slash.
   */
  readonly top?: string | undefined
}

const write = 2 // W_OK

/**
 * Unpacks an archive, compressed or not, into a folder of a tree that one does not trust, a container's root for
 * example. Folders that are there stay and take on what the archive says of them, other files are replaced. Owners,
 * permissions, times and extended attributes are those of the archive; the folder itself keeps its own.
 *
 * Every name is resolved below the root of the tree by the kernel (openat2(2)), whatever is renamed or linked anew
 * meanwhile: nothing is written outside. Files are made anew and never opened, so no device or fifo is.
 *
 * When it fails, what was unpacked by then stays, the last file perhaps in part.
 *
 * @param source - The archive.
 * @param root - The tree: a path that is trusted, or a descriptor of its root folder (a detached mount too).
 * @param path - A folder of the tree; links are followed.
 * @throws {@link OverlayError}
 *   - `ERR_OVERLAY_NOT_FOUND`, `ERR_OVERLAY_INVALID_ARG`: it is not there, or no folder.
 *   - `ERR_OVERLAY_READ_ONLY`: it is on a mount that is read-only; `path` says where it is.
 *   - `ERR_OVERLAY_ARCHIVE`, `ERR_OVERLAY_COMPRESSION`: the archive is malformed, or names something outside.
 *   - `ERR_OVERLAY_LIMIT`: it asks for more than the limits.
 *
 * @example
 * await unpackInside(createReadStream('nginx.tar'), '/srv/tree', '/etc')
 */
export async function unpackInside(
  source: AsyncIterable<Uint8Array>,
  root: string | number,
  path: string,
  { limits: given, keepsKinds = false, owner, signal, top: newTop }: UnpackInsideOptions = {},
): Promise<void> {
  const limits = layerLimits(given)
  const folder = openRoot(root)
  using _folder = closing(folder)
  const base = checkedFolder(folder, path)
  const top = newTop === undefined ? undefined : checkedTop(newTop)
  const writer = new LayerWriter(folder, limits, undefined, {
    whiteouts: 'plain',
    isOwn: false,
    keepsKinds,
    impliedMtimeNs: BigInt(Date.now()) * 1_000_000n,
  })
  const handler = (entry: ArchiveEntry): ReturnType<LayerWriter['write']> => {
    const asked = splitEntryName(entry.path, limits)
    const { parent, name } = top === undefined ? asked : splitEntryName(underTop(entry.path, top), limits)
    if (name === '' && entry.kind === 'directory') return undefined // the folder itself
    const inside = (rest: ByteString): ByteString => `${base}/${rest}`
    return writer.write({
      ...entry,
      path: inside(parent === '' ? name : `${parent}/${name}`),
      target:
        entry.kind === 'hardlink'
          ? inside(top === undefined ? entry.target : underTop(entry.target, top))
          : entry.target,
      ...owner,
    })
  }
  await unpackWith(writer, source, { limits, signal, handler })
}

/**
 * Makes a folder of a tree that one does not trust, with the folders above it: root's, mode 0755. Links on the way are
 * followed inside the tree. Does nothing where it is.
 *
 * @param root - See {@link unpackInside}.
 * @throws {@link OverlayError} `ERR_OVERLAY_ARCHIVE`: something on the way is no folder.
 */
export function makeFolderInside(root: string | number, path: string): void {
  const folder = openRoot(root)
  using _folder = closing(folder)
  const folders = new ParentFolders(folder, () => undefined, undefined)
  try {
    folders.get(pathInTree(path).path.slice(1))
  } catch (error) {
    throw placeError('make', path, error)
  } finally {
    folders.forget()
  }
}

function checkedTop(name: string): ByteString {
  if (name === '' || name === '.' || name === '..' || name.includes('/'))
    throw new OverlayError(
      'ERR_OVERLAY_INVALID_ARG',
      `cannot unpack as ${JSON.stringify(name)}: it is no name`,
    )
  return byteStringOf(name)
}

function underTop(path: ByteString, top: ByteString): ByteString {
  return [top, ...path.split('/').slice(1)].join('/')
}

/** Where a folder that can be written to really is, without the slash at its beginning. */
function checkedFolder(root: number, path: string): ByteString {
  const wanted = pathInTree(path)
  const real = resolveIn(root, wanted.path)
  let place: number
  try {
    place = openIn(root, real, O_PATH)
  } catch (error) {
    throw placeError('unpack into', path, error)
  }
  using _place = closing(place)
  if (!fstatSync(place).isDirectory())
    throw new OverlayError('ERR_OVERLAY_INVALID_ARG', `cannot unpack into ${path}: not a directory`, { path })
  if (syscallOr(['EROFS'], 'faccessat', AT_FDCWD, pathOfFd(place), write) === 'EROFS') {
    const at = bytesOf(real).toString('utf8')
    throw new OverlayError('ERR_OVERLAY_READ_ONLY', `cannot unpack into ${readable(real)}: it is read-only`, {
      path: at,
    })
  }
  return real.slice(1)
}
